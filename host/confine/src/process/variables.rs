//! The environment variables of a confined process: these, and none of whoever starts it.

/// What a process finds in its environment.
pub(crate) fn variables(bin: &str, tmp: &str, seed: u64, threads: u32) -> Vec<(&'static str, String)> {
    vec![
        ("PATH", format!("{bin}:/usr/local/bin:/usr/bin:/bin")),
        ("HOME", tmp.to_owned()),
        ("TMPDIR", tmp.to_owned()),
        ("LANG", "C.UTF-8".to_owned()),
        ("OMP_NUM_THREADS", threads.to_string()),
        ("PYTHONHASHSEED", "0".to_owned()),
        // What `-I` would do, which also makes Python pass over the seed of its hashes: no folder of the script on the path, no packages of the user's.
        ("PYTHONSAFEPATH", "1".to_owned()),
        ("PYTHONNOUSERSITE", "1".to_owned()),
        // A line is told when it is written, and what a process wrote before it was killed is not lost with it.
        ("PYTHONUNBUFFERED", "1".to_owned()),
        // The environment cannot be written.
        ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
        // A crash in compiled code says in which line of the script.
        ("PYTHONFAULTHANDLER", "1".to_owned()),
        ("SPRAG_SEED", seed.to_string()),
    ]
}
