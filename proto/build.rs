//! Generates the Rust types and their canonical JSON from `apricot/v1/*.proto`; no protoc needed.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message;

const FILES: [&str; 10] =
    ["common", "room", "sale", "charity", "registry", "ops", "live", "api", "log", "pool"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=apricot");
    let files: Vec<String> = FILES.iter().map(|name| format!("apricot/v1/{name}.proto")).collect();
    let mut compiler = protox::Compiler::new(["."])?;
    // Comments travel with the descriptors: they are the descriptions in /openapi.json.
    compiler.include_source_info(true).include_imports(true).open_files(&files)?;
    let descriptors = compiler.file_descriptor_set();
    let encoded = descriptors.encode_to_vec();
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("descriptors.bin"), &encoded)?;
    prost_build::Config::new().skip_protoc_run().enable_type_names().compile_fds(descriptors)?;
    pbjson_build::Builder::new().register_descriptors(&encoded)?.build(&[".apricot.v1"])?;
    compile_cluster()
}

/// Apart from the contract, so that it is in no description of it.
fn compile_cluster() -> Result<(), Box<dyn Error>> {
    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_imports(true).open_files(["apricot/cluster/v1/cluster.proto"])?;
    let mut config = prost_build::Config::new();
    config.skip_protoc_run().extern_path(".apricot.v1", "crate::v1");
    config.compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
