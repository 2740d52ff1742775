//! Keeps COM and Media Foundation running on Windows, for every thread.

#![expect(unsafe_code, reason = "only the system can be asked for these")]

use std::{ffi::c_void, ptr, sync::Once};

/// `MF_VERSION` of Windows 7 and later, in `mfapi.h`.
const VERSION: u32 = 0x0002_0070;
/// `MFSTARTUP_NOSOCKET`: without the parts for networks.
const NO_SOCKET: u32 = 1;

#[link(name = "ole32")]
unsafe extern "system" {
    /// Lets threads that have not initialized COM use it, until the cookie is returned.
    fn CoIncrementMTAUsage(cookie: *mut *mut c_void) -> i32;
}

#[link(name = "mfplat")]
unsafe extern "system" {
    /// Starts Media Foundation; each start is undone by one `MFShutdown`.
    fn MFStartup(version: u32, flags: u32) -> i32;
}

/// Starts both the first time. Whoever else starts and ends them then changes only their counts.
pub(super) fn keep_running() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let mut cookie = ptr::null_mut();
        // SAFETY: the pointer is valid for the call, and the cookie is never returned.
        let com = unsafe { CoIncrementMTAUsage(&raw mut cookie) };
        // SAFETY: there are no pointers.
        let media = unsafe { MFStartup(VERSION, NO_SOCKET) };
        for (name, code) in [("COM", com), ("Media Foundation", media)] {
            if code < 0 {
                log::warn!("{name} did not start: {code:#010X}");
            }
        }
    });
}
