//! The console that Windows opens beside a program that was double-clicked.
//!
//! fervis is a console program, so that it prints where it is started from a terminal. Double-clicked, it is alone on a
//! console that Windows made for it, and nothing else tells the two apart.

#![expect(unsafe_code, reason = "only the system knows the console")]

use std::{ffi::c_void, ptr};

/// `MB_ICONERROR`.
const ERROR_ICON: u32 = 0x10;

#[link(name = "kernel32")]
unsafe extern "system" {
    fn GetConsoleProcessList(processes: *mut u32, n_processes: u32) -> u32;
    fn FreeConsole() -> i32;
}

#[link(name = "user32")]
unsafe extern "system" {
    fn MessageBoxW(owner: *mut c_void, text: *const u16, title: *const u16, kind: u32) -> i32;
}

/// Runs what shows a window, without the console if it was opened for this program alone. An error is then shown in a
/// window too, since nobody would see it printed.
pub(super) fn without<T>(show: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    let mut processes = [0_u32; 2];
    // SAFETY: there is room for as many numbers as it is told.
    let n_processes =
        unsafe { GetConsoleProcessList(processes.as_mut_ptr(), processes.len() as u32) };
    if n_processes != 1 {
        return show();
    }
    // SAFETY: there are no arguments. The standard library takes a missing console for one that accepts everything.
    unsafe { FreeConsole() };
    show().inspect_err(|error| message(&fervis::error_text::error_text(error.as_ref())))
}

fn message(text: &str) {
    let wide = |text: &str| -> Vec<u16> { text.encode_utf16().chain([0]).collect() };
    let (text, title) = (wide(text), wide("fervis"));
    // SAFETY: both texts end with zero and live until the call returns; there is no owner.
    unsafe { MessageBoxW(ptr::null_mut(), text.as_ptr(), title.as_ptr(), ERROR_ICON) };
}
