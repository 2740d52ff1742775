//! Gives the Windows program its icon and version.

use std::{env, io, path::Path};

#[path = "packaging/windows/resource.rs"]
mod resource;

fn main() -> io::Result<()> {
    let package = env::var_os("CARGO_MANIFEST_DIR");
    let root = package.ok_or_else(|| io::Error::other("cargo sets CARGO_MANIFEST_DIR"))?;
    resource::link(Path::new(&root), "fervis", "Reads facial expressions live")
}
