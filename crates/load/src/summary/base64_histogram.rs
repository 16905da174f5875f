//! Histograms as text: HdrHistogram V2, compressed, in base64. Every HdrHistogram tool reads that.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};

pub(super) fn encode(histogram: &Histogram<u64>) -> String {
    let mut bytes = Vec::new();
    V2DeflateSerializer::new()
        .serialize(histogram, &mut bytes)
        .expect("a histogram of counts fits into memory");
    BASE64_STANDARD.encode(bytes)
}

pub(super) fn decode(text: &str) -> Result<Histogram<u64>, String> {
    let bytes = BASE64_STANDARD
        .decode(text)
        .map_err(|error| format!("a histogram that is no base64: {error}"))?;
    Deserializer::new()
        .deserialize(&mut bytes.as_slice())
        .map_err(|error| format!("a histogram that cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_comes_back_whole() {
        let mut histogram = Histogram::new_with_bounds(1, 600_000_000, 3).unwrap();
        for value in [1, 250, 250, 70_000, 600_000_000] {
            histogram.record(value).unwrap();
        }
        let text = encode(&histogram);
        assert!(text.starts_with("HISTFAA"), "{text}");
        assert_eq!(decode(&text).unwrap(), histogram);
        assert!(decode("HISTFAA").is_err());
    }
}
