//! Looks at what processes hold: memory, threads, and disk. What no limit of the kernel's adds up is added up here.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::job::Limits;
use super::outcome::Limit;
use super::tree::Descendant;

/// Deeper folders are counted as too many entries: nothing honest nests like that, and a path has an end.
const DEPTH: u32 = 64;

/// What was seen at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Bytes.
    pub(crate) memory: u64,
    pub(crate) threads: u64,
}

/// What lies in folders.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) bytes: u64,
    pub(crate) entries: u64,
}

/// Memory and threads of processes. Memory that several share is counted once where the kernel says how much that is, which takes longer and is asked only when it matters.
pub(crate) fn look(processes: &[Descendant], limit: u64) -> Seen {
    let all: Vec<_> = processes.iter().filter_map(|process| status(process.pid)).collect();
    let sum = |part: fn(&Seen) -> u64| all.iter().map(part).sum();
    let mut seen = Seen { memory: sum(|seen| seen.memory), threads: sum(|seen| seen.threads) };
    if seen.memory > limit && all.len() > 1 {
        seen.memory = processes.iter().filter_map(|process| proportional(process.pid)).sum();
    }
    seen
}

fn status(pid: u32) -> Option<Seen> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    Some(Seen { memory: kibibytes(&text, "VmRSS:").unwrap_or(0), threads: number(&text, "Threads:").unwrap_or(1) })
}

fn proportional(pid: u32) -> Option<u64> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok().and_then(|text| kibibytes(&text, "Pss:"));
    rollup.or_else(|| Some(status(pid)?.memory))
}

fn kibibytes(text: &str, key: &str) -> Option<u64> {
    number(text, key).map(|kibibytes| kibibytes << 10)
}

fn number(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse().ok()
}

/// What lies in a folder and below it, as it takes up disk. Links are counted and not followed.
pub(crate) fn stored(dir: &Path) -> Stored {
    let mut stored = Stored::default();
    add(dir, 0, &mut stored);
    stored
}

fn add(dir: &Path, depth: u32, stored: &mut Stored) {
    if depth > DEPTH {
        stored.entries = u64::MAX;
        return;
    }
    // A folder that cannot be read, or is gone, holds nothing that can be counted.
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let Ok(found) = entry.metadata() else { continue };
        stored.entries = stored.entries.saturating_add(1);
        stored.bytes = stored.bytes.saturating_add(found.blocks() * 512);
        if found.is_dir() {
            add(&entry.path(), depth + 1, stored);
        }
    }
}

/// Bytes of files that processes have open and that have no name any more: on disk, where no walk finds them, and in memory (`memfd_create`), where no mapping need show them.
pub(crate) fn nameless(processes: &[Descendant], device: u64) -> (u64, u64) {
    let mut seen = vec![];
    let (mut disk, mut memory) = (0, 0);
    for process in processes {
        for entry in fs::read_dir(format!("/proc/{}/fd", process.pid)).into_iter().flatten().flatten() {
            let Ok(found) = fs::metadata(entry.path()) else { continue };
            let file = (found.dev(), found.ino());
            if found.is_file() && found.nlink() == 0 && !seen.contains(&file) {
                seen.push(file);
                let bytes = found.blocks() * 512;
                *(if found.dev() == device { &mut disk } else { &mut memory }) += bytes;
            }
        }
    }
    (disk, memory)
}

/// The limit that was passed.
pub(crate) fn passed(limits: &Limits, seen: Seen, stored: Stored) -> Option<Limit> {
    let passed = [
        (Limit::Memory, seen.memory > limits.memory),
        (Limit::Processes, seen.threads > limits.processes),
        (Limit::Files, stored.entries > limits.files),
        (Limit::Disk, stored.bytes > limits.disk),
    ];
    passed.into_iter().find(|(_, is_passed)| *is_passed).map(|(limit, _)| limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_s_words_are_read() {
        let text = "Name:\tpython\nVmHWM:\t  2048 kB\nVmRSS:\t  1024 kB\nThreads:\t3\n";
        assert_eq!(kibibytes(text, "VmRSS:"), Some(1 << 20));
        assert_eq!(number(text, "Threads:"), Some(3));
        assert_eq!(number(text, "Pss:"), None);
    }

    #[test]
    fn folders_are_counted_without_following_links() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("a")).unwrap();
        fs::write(dir.path().join("a/b"), vec![1; 10_000]).unwrap();
        std::os::unix::fs::symlink("/", dir.path().join("c")).unwrap();
        let found = stored(dir.path());
        assert_eq!(found.entries, 3);
        assert!(found.bytes >= 10_000, "{found:?}");
    }

    #[test]
    fn own_memory_is_seen() {
        let own = [Descendant { pid: std::process::id(), depth: 0 }];
        let seen = look(&own, 0);
        assert!(seen.memory > 1 << 16 && seen.threads >= 1, "{seen:?}");
        assert!(proportional(std::process::id()).is_some_and(|bytes| bytes > 0));
    }
}
