//! Covers what Landlock does not: sockets that are files. Who may speak to the system's own services may have them start something that nothing confines.

/// Mounts empty file systems over the folders of sockets and of shared memory, in a mount namespace of this process's own.
#[cfg(target_os = "linux")]
pub(crate) fn cover(shared_memory: u64) -> Result<(), String> {
    use std::ffi::CString;

    use rustix::mount::{MountFlags, mount};

    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    // Each is of its own size; a folder that is not there needs no cover.
    let covers = [("/run", 4096, MountFlags::RDONLY), ("/dev/shm", shared_memory, MountFlags::empty())];
    for (place, size, more) in covers.into_iter().filter(|(place, ..)| std::path::Path::new(place).is_dir()) {
        let options = CString::new(format!("size={size},mode=1777")).expect("no zero byte among digits");
        mount("tmpfs", place, "tmpfs", flags | more, &*options).map_err(|error| format!("failed to cover `{place}`: {error}"))?;
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn cover(_shared_memory: u64) -> Result<(), String> {
    Ok(())
}
