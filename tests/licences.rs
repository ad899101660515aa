//! Licences of all crates, and crates that stand in the tree twice, from `cargo tree`.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

/// Licences under which a crate may come. The same list stands in deny.toml.
const ALLOWED: [&str; 12] = [
    "MIT",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "Unicode-3.0",
    "Unlicense",
    "MPL-2.0",
    "CC0-1.0",
    "0BSD",
];

/// Crates that stand there in two versions, and why we bear it.
const DOUBLED: [(&str, &str); 16] = [
    (
        "base64",
        "crossterm (OSC 52) is on 0.22, mail-builder and rustls' pem on 0.23",
    ),
    ("getrandom", "ring is on 0.2, all others on 0.4"),
    ("linux-raw-sys", "as rustix"),
    ("miniz_oxide", "png is on 0.8, others on 0.9"),
    ("nom", "x509-parser is on 7, html2text on 8"),
    (
        "phf",
        "chrono-tz (of calcard) is on 0.12, web_atoms on 0.14",
    ),
    ("phf_shared", "as phf"),
    (
        "quick-error",
        "image-webp and tiff's kin are on 2, rusty-fork (tests) on 1",
    ),
    ("rand", "ratatui-image is on 0.8, proptest (tests) on 0.9"),
    ("rand_core", "as rand"),
    ("rustix", "ratatui-image is on 0.38"),
    (
        "syn",
        "some derive macros are on 2, others on 3: build time only",
    ),
    ("synstructure", "as syn"),
    ("thiserror", "portable-pty (tests) is on 1"),
    ("thiserror-impl", "as thiserror"),
    ("winnow", "toml_edit is on 0.7, toml_parser on 1"),
];

/// Name, version and licence of every crate that is built here, tests included.
fn crates() -> Vec<(String, String, String)> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "--locked",
            "--edges=normal,build,dev",
            "--prefix=none",
            "--no-dedupe",
            "--format={p}|{l}",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut crates: Vec<_> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| {
            let (package, licence) = line.split_once('|')?;
            let mut words = package.split(' ');
            let (name, version) = (words.next()?, words.next()?);
            Some((name.to_owned(), version.to_owned(), licence.to_owned()))
        })
        .collect();
    crates.sort();
    crates.dedup();
    crates
}

/// True if one way through the expression is allowed: `A OR B`, `A AND B`, brackets.
fn is_allowed(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ").replace(['(', ')'], "");
    expression.split(" OR ").any(|way| {
        way.split(" AND ")
            .all(|part| ALLOWED.contains(&part.trim()))
    })
}

#[test]
fn every_crate_comes_under_an_allowed_licence() {
    let crates = crates();

    let refused: Vec<_> = crates
        .iter()
        .filter(|(_, _, licence)| !is_allowed(licence))
        .collect();

    assert!(crates.len() > 100, "the tree was read");
    assert!(refused.is_empty(), "{refused:#?}");
}

#[test]
fn a_crate_that_stands_there_twice_has_its_reason() {
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, version, _) in crates() {
        versions.entry(name).or_default().insert(version);
    }

    let doubled: Vec<&str> = versions
        .iter()
        .filter(|(_, versions)| versions.len() > 1)
        .map(|(name, _)| name.as_str())
        .collect();

    let known: Vec<&str> = DOUBLED.iter().map(|(name, _)| *name).collect();
    assert_eq!(doubled, known);
}
