//! What is made from the `.proto` files is checked in, so that a build needs no compiler for them; this holds it to them.
//!
//! After a change of a `.proto` file: `UPDATE_GENERATED=1 cargo test -p onhand-wire --test generated`.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

use prost::Message;
use prost_types::FileDescriptorSet;
use std::fs;
use std::path::Path;

const FILES: [&str; 7] = [
    "onhand/v1/facts.proto",
    "onhand/v1/ledger.proto",
    "onhand/v1/predictions.proto",
    "onhand/v1/problem.proto",
    "onhand/v1/reservations.proto",
    "onhand/v1/stock.proto",
    "onhand/v1/transfers.proto",
];

#[test]
fn the_generated_code_is_that_of_the_proto_files() {
    let made = tempfile::TempDir::new().unwrap();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = protox::compile(FILES, [here.join("proto")]).unwrap();
    fs::write(made.path().join("onhand.v1.bin"), described(&files)).unwrap();
    tonic_prost_build::configure()
        .build_transport(false)
        .client_mod_attribute(".", "#[cfg(feature = \"grpc\")]")
        .server_mod_attribute(".", "#[cfg(feature = \"grpc\")]")
        .out_dir(made.path())
        .compile_fds(files)
        .unwrap();
    for name in ["onhand.v1.rs", "onhand.v1.bin"] {
        let kept = here.join("src/proto/generated").join(name);
        let wanted = fs::read(made.path().join(name)).unwrap();
        if std::env::var_os("UPDATE_GENERATED").is_some() {
            fs::write(&kept, &wanted).unwrap();
        }
        let is_current = fs::read(&kept).is_ok_and(|found| found == wanted);
        assert!(
            is_current,
            "{name} is not what the .proto files say: UPDATE_GENERATED=1 cargo test -p onhand-wire --test generated"
        );
    }
}

/// What the reflection of a server tells, without the comments.
fn described(files: &FileDescriptorSet) -> Vec<u8> {
    let mut files = files.clone();
    for file in &mut files.file {
        file.source_code_info = None;
    }
    files.encode_to_vec()
}
