#![no_main]

#[path = "../../tests/fuzz/reading.rs"]
#[allow(dead_code)]
mod reading;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| reading::calendar(octets));
