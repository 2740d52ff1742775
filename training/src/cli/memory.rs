//! The C library told to keep the memory that a training step frees, for the next step.
//!
//! A step frees and takes the same few hundred megabytes. glibc gives blocks of 32 MiB and more back to the system each
//! time and the system clears every page again, which took a fifth of the time of a step; large pages save another tenth.
//! glibc reads such settings only before `main`, so the program replaces itself once, under the same process id.

/// Replaces the program by itself with the settings, unless it has them or the user has some.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn keep_freed_memory() {
    use std::{env, os::unix::process::CommandExt, process::Command};

    /// What glibc reads: <https://www.gnu.org/software/libc/manual/html_node/Memory-Allocation-Tunables.html>.
    const VARIABLE: &str = "GLIBC_TUNABLES";
    const SETTINGS: &str = "glibc.malloc.mmap_threshold=4294967296:\
                            glibc.malloc.trim_threshold=34359738368:\
                            glibc.malloc.arena_max=1:\
                            glibc.malloc.hugetlb=1";

    // Whoever set it knows better; and after the replacement it is set.
    if env::var_os(VARIABLE).is_some() {
        return;
    }
    let Ok(program) = env::current_exe() else {
        return;
    };
    let mut args = env::args_os();
    let mut command = Command::new(program);
    if let Some(name) = args.next() {
        command.arg0(name);
    }
    // Comes back only if it could not be done; training is slower then, and nothing else.
    let error = command.args(args).env(VARIABLE, SETTINGS).exec();
    log::debug!("cannot start again with {VARIABLE}: {error}");
}

/// Other C libraries keep what is freed, or have no such settings.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn keep_freed_memory() {}
