//! Names the compiler, for `madang version` and the build metric, and gathers the files that the binary carries: our own pages, and the browser libraries that
//! they load, in the versions that the lock files under `web/` name.
//!
//! A library comes from `web/<page>/node_modules` when it is there (`npm ci` was run by hand);
//! otherwise `npm ci` runs in Cargo's output directory, so that a build never writes into the
//! sources.

use std::path::{Path, PathBuf};
use std::process::{Command, exit};
use std::{env, fs, io};

/// Builds without the libraries: the demo page and the API browser then say that they are missing.
const SKIP: &str = "MADANG_SKIP_WEB";

struct Page {
    name: &'static str,
    own: &'static [&'static str],
    libraries: &'static [&'static str],
}

const PAGES: [Page; 3] = [
    Page {
        name: "demo",
        own: &["index.html", "app.js", "room.js", "style.css"],
        libraries: &["@stomp/stompjs/bundles/stomp.umd.min.js"],
    },
    Page {
        name: "sockjs",
        own: &[],
        libraries: &["sockjs-client/dist/sockjs.min.js"],
    },
    Page {
        name: "docs",
        own: &[
            "index.html",
            "docs.js",
            "style.css",
            "asyncapi.html",
            "asyncapi.js",
            "asyncapi.css",
        ],
        libraries: &[
            "swagger-ui-dist/swagger-ui-bundle.js",
            "swagger-ui-dist/swagger-ui.css",
        ],
    },
];

fn main() {
    name_the_compiler();
    println!("cargo::rerun-if-env-changed={SKIP}");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let sources = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let sources = sources.join("../../web");
    for page in PAGES {
        let from = sources.join(page.name);
        if let Err(error) = gather(&page, &from, &out) {
            eprintln!(
                "\nThe files of web/{} could not be gathered: {error}",
                page.name
            );
            eprintln!("Do one of these and build again:");
            eprintln!("  - install Node.js 20 or later with npm, which this build then runs;");
            eprintln!("  - cd web/{} && npm ci --ignore-scripts", page.name);
            eprintln!("  - {SKIP}=1 cargo build   (no demo page, no API browser)\n");
            exit(1);
        }
    }
}

fn name_the_compiler() {
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let output = Command::new(rustc).arg("--version").output();
    let version = output
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok());
    let version = version.as_deref().map_or("unknown", str::trim);
    println!("cargo::rustc-env=MADANG_BUILD_RUSTC={version}");
}

fn gather(page: &Page, from: &Path, out: &Path) -> io::Result<()> {
    let to = out.join("web").join(page.name);
    // A library of an earlier build must not survive MADANG_SKIP_WEB.
    if to.exists() {
        fs::remove_dir_all(&to)?;
    }
    fs::create_dir_all(&to)?;
    for name in page.own {
        println!("cargo::rerun-if-changed={}", from.join(name).display());
        copy(&from.join(name), &to)?;
    }
    if env::var_os(SKIP).is_some_and(|value| !value.is_empty()) {
        println!(
            "cargo::warning={SKIP} is set: web/{} has no libraries",
            page.name
        );
        return Ok(());
    }
    let modules = modules(page, from, out)?;
    for library in page.libraries {
        copy(&modules.join(library), &to)?;
    }
    Ok(())
}

/// A `node_modules` that has the page's libraries.
fn modules(page: &Page, from: &Path, out: &Path) -> io::Result<PathBuf> {
    for file in ["package.json", "package-lock.json"] {
        println!("cargo::rerun-if-changed={}", from.join(file).display());
    }
    let has_all = |modules: &Path| {
        page.libraries
            .iter()
            .all(|file| modules.join(file).is_file())
    };
    let by_hand = from.join("node_modules");
    if has_all(&by_hand) {
        return Ok(by_hand);
    }
    let installed = out.join("npm").join(page.name);
    fs::create_dir_all(&installed)?;
    let lock = fs::read(from.join("package-lock.json"))?;
    let is_fresh = fs::read(installed.join("installed.lock")).is_ok_and(|old| old == lock);
    let modules = installed.join("node_modules");
    if is_fresh && has_all(&modules) {
        return Ok(modules);
    }
    for file in ["package.json", "package-lock.json"] {
        copy(&from.join(file), &installed)?;
    }
    npm_ci(&installed)?;
    fs::write(installed.join("installed.lock"), lock)?;
    Ok(modules)
}

fn npm_ci(directory: &Path) -> io::Result<()> {
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    // No package's install script is run: nothing here needs one.
    let output = Command::new(npm)
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(directory)
        .output()
        .map_err(|error| io::Error::other(format!("npm cannot be run ({error})")))?;
    if output.status.success() {
        return Ok(());
    }
    let reason = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(io::Error::other(format!("npm ci failed\n{reason}")))
}

fn copy(file: &Path, to: &Path) -> io::Result<()> {
    let name = file.file_name().unwrap_or_default();
    fs::copy(file, to.join(name))
        .map(drop)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", file.display())))
}
