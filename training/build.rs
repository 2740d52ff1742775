//! Builds every file of `recipes/` into the program, so that adding a recipe is adding a file.

use std::{env, fs, io, path::Path};

#[path = "../packaging/windows/resource.rs"]
mod resource;

fn main() -> io::Result<()> {
    // Asked for when it runs: checkouts that share a target folder may share this program, compiled in another of them.
    let package = env::var_os("CARGO_MANIFEST_DIR");
    let package = package.ok_or_else(|| io::Error::other("cargo sets CARGO_MANIFEST_DIR"))?;
    let package = Path::new(&package);
    resource::link(
        package.parent().unwrap_or(package),
        "fervis-train",
        "Trains the networks that fervis runs",
    )?;
    let folder = package.join("recipes");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            paths.push(path);
        }
    }
    paths.sort();
    let entry = |path: &Path| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        format!("({name:?}, include_str!({path:?})),\n")
    };
    let list: String = paths.iter().map(|path| entry(path)).collect();
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo sets OUT_DIR"))?;
    fs::write(Path::new(&out).join("recipes.rs"), format!("&[\n{list}]\n"))
}
