#![no_main]
#![allow(missing_docs, reason = "a target is told in its module of the library")]

libfuzzer_sys::fuzz_target!(init: onhand_fuzz::begin(), |input: &[u8]| onhand_fuzz::model::run(input));
