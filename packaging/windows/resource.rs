//! Icon, version and manifest of a Windows program, for the build scripts of both programs.
//!
//! `windres` compiles them, of MinGW or of LLVM; Microsoft's linker takes its objects too. Without it the program works the
//! same and shows the default icon, so its absence is a warning.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::Command,
};

/// Links the resources into the program if it is for Windows. `root` is the repository.
pub fn link(root: &Path, program: &str, description: &str) -> io::Result<()> {
    for name in ["fervis.ico", "fervis.manifest", "resource.rs"] {
        let path = root.join("packaging/windows").join(name);
        println!("cargo::rerun-if-changed={}", path.display());
    }
    println!("cargo::rerun-if-env-changed=WINDRES");
    let variable = |name: &str| env::var(name).unwrap_or_default();
    if variable("CARGO_CFG_TARGET_OS") != "windows" {
        return Ok(());
    }
    let out = PathBuf::from(variable("OUT_DIR"));
    let script = out.join("program.rc");
    fs::write(
        &script,
        script_text(root, program, description, &variable("CARGO_PKG_VERSION")),
    )?;
    let object = out.join("program-resources.o");
    let for_target = format!("{}-w64-mingw32-windres", variable("CARGO_CFG_TARGET_ARCH"));
    let candidates = [
        variable("WINDRES"),
        for_target,
        "windres".to_owned(),
        "llvm-windres".to_owned(),
    ];
    let compiles = |windres: &String| {
        !windres.is_empty()
            && Command::new(windres)
                .arg(&script)
                .args(["-O", "coff", "-o"])
                .arg(&object)
                .status()
                .is_ok_and(|status| status.success())
    };
    if candidates.iter().any(compiles) {
        println!("cargo::rustc-link-arg-bins={}", object.display());
    } else {
        println!(
            "cargo::warning={program}.exe gets no icon and no version, because windres is not installed"
        );
    }
    Ok(())
}

fn script_text(root: &Path, program: &str, description: &str, version: &str) -> String {
    // Slashes, since backslashes begin escapes.
    let path = |name: &str| {
        let path = root.join("packaging/windows").join(name);
        path.to_string_lossy().replace('\\', "/")
    };
    let (icon, manifest) = (path("fervis.ico"), path("fervis.manifest"));
    let numbers = version
        .split(['.', '-', '+'])
        .take(3)
        .collect::<Vec<_>>()
        .join(",");
    format!(
        r#"1 ICON "{icon}"
1 24 "{manifest}"
1 VERSIONINFO
FILEVERSION {numbers},0
PRODUCTVERSION {numbers},0
FILEOS 0x40004
FILETYPE 1
BEGIN
  BLOCK "StringFileInfo"
  BEGIN
    BLOCK "040904b0"
    BEGIN
      VALUE "CompanyName", "The fervis developers"
      VALUE "FileDescription", "{description}"
      VALUE "FileVersion", "{version}"
      VALUE "InternalName", "{program}"
      VALUE "LegalCopyright", "MIT or Apache-2.0"
      VALUE "OriginalFilename", "{program}.exe"
      VALUE "ProductName", "fervis"
      VALUE "ProductVersion", "{version}"
    END
  END
  BLOCK "VarFileInfo"
  BEGIN
    VALUE "Translation", 0x409, 1200
  END
END
"#
    )
}
