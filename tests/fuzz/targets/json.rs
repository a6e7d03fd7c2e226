//! Bodies in JSON: what is decoded is bounded, reads back in both codecs, and fast paths agree with slow ones.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    streamgauge_fuzz::check_body(streamgauge::wire::Codec::Json, bytes);
});
