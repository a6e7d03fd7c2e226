//! Frames: any bytes are a frame, no frame yet or refused; a frame that was written reads back, and not once it was cut
//! or changed.

#![no_main]

use streamgauge::wire::Codec;
use streamgauge::wire::event_stream::{exception, initial_response, read_frame};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(Some((frame, length))) = read_frame(bytes) {
        assert!((16..=bytes.len()).contains(&length));
        let texts: usize = frame
            .headers
            .iter()
            .map(|(name, value)| name.len() + value.len() + 4)
            .sum();
        assert_eq!(16 + texts + frame.payload.len(), length);
    }
    let [choice, at_high, at_low, change, text @ ..] = bytes else {
        return;
    };
    let codec = if choice & 1 == 0 {
        Codec::Json
    } else {
        Codec::Cbor
    };
    let text = String::from_utf8_lossy(text);
    let written = if choice & 2 == 0 {
        exception(codec, "ResourceInUseException", &text)
    } else {
        initial_response(codec)
    };
    let (frame, length) = read_frame(&written)
        .expect("it was written")
        .expect("in full");
    assert_eq!(length, written.len());
    if choice & 2 == 0 {
        assert_eq!(
            frame.header(":exception-type"),
            Some("ResourceInUseException")
        );
        if codec == Codec::Json {
            let payload: serde_json::Value =
                serde_json::from_slice(&frame.payload).expect("a JSON payload");
            assert_eq!(payload["message"].as_str(), Some(&*text));
        }
    } else {
        assert_eq!(frame.header(":event-type"), Some("initial-response"));
    }
    let at = (usize::from(*at_high) << 8 | usize::from(*at_low)) % written.len();
    assert_eq!(read_frame(&written[..at]), Ok(None), "cut at {at}");
    if *change != 0 {
        let mut changed = written.to_vec();
        changed[at] ^= change;
        assert!(read_frame(&changed).is_err(), "byte {at} was changed");
    }
});
