//! The pages are embedded from `web/dist`, which `make pages` fills, the tables from `migrations`. Cargo can only watch a folder that
//! is there.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=web/dist");
    println!("cargo:rerun-if-changed=migrations");
    if let Err(error) = std::fs::create_dir_all("web/dist") {
        println!(
            "cargo:warning=web/dist cannot be made ({error}); pages built later need `touch src/wire/pages.rs`"
        );
    }
}
