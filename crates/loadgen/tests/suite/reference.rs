//! The option reference says what the program says.

use madang_loadgen::cli;

/// Where the reference lies; written anew if `MADANG_BLESS` is set.
const PATH: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../docs/reference/madang-bench.md"
);

#[test]
fn the_option_reference_is_fresh() {
    let fresh = cli::reference();
    if std::env::var_os("MADANG_BLESS").is_some() {
        std::fs::write(PATH, &fresh).unwrap();
    }
    let written = std::fs::read_to_string(PATH).unwrap_or_default();
    assert!(
        written == fresh,
        "run the tests of madang-loadgen with MADANG_BLESS=1"
    );
}
