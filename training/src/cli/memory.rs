//! Makes glibc keep the memory that a training step frees, for the next step.
//!
//! Each step frees and allocates the same few hundred megabytes. glibc returns blocks of 32 MiB and more to the system,
//! which must clear every page again: a fifth of the time of a step. Large pages save another tenth. glibc reads these
//! settings only before `main`, so the program replaces itself once, under the same process ID.

/// Restarts the program with the settings, unless the variable is set already.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn keep_freed_memory() {
    use std::{env, os::unix::process::CommandExt, process::Command};

    /// See <https://www.gnu.org/software/libc/manual/html_node/Memory-Allocation-Tunables.html>.
    const VARIABLE: &str = "GLIBC_TUNABLES";
    const SETTINGS: &str = "glibc.malloc.mmap_threshold=4294967296:\
                            glibc.malloc.trim_threshold=34359738368:\
                            glibc.malloc.arena_max=1:\
                            glibc.malloc.hugetlb=1";

    // Set by the user, or by this function before the restart.
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
    // Returns only on failure; then training is slower, but otherwise the same.
    let error = command.args(args).env(VARIABLE, SETTINGS).exec();
    log::debug!("could not restart with {VARIABLE}: {error}");
}

/// Other C libraries keep freed memory or have no such settings.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn keep_freed_memory() {}
