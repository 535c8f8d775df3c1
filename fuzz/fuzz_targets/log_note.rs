#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| apricot_fuzz::log_note(data));
