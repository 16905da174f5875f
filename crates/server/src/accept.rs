//! Which form of an answer the client takes best (`Accept`, RFC 9110).

use crate::problem::Denied;
use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use onhand_wire::json::problem::Kind;

/// The type of Arrow's stream format.
pub(crate) const ARROW: &str = "application/vnd.apache.arrow.stream";

/// A form of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    Arrow,
}

impl Form {
    /// In the order of our own liking.
    const ALL: [Self; 2] = [Self::Json, Self::Arrow];

    fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Arrow => ARROW,
        }
    }

    /// The form that is wanted most; JSON where it does not matter.
    pub(crate) fn wanted(headers: &HeaderMap) -> Result<Self, Denied> {
        let ranges: Vec<&str> = headers
            .get_all(ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .collect();
        if ranges.is_empty() {
            return Ok(Self::Json);
        }
        let (mut best, mut most) = (None, 0.0);
        for form in Self::ALL {
            let quality = quality(&ranges, form.media_type());
            if quality > most {
                (best, most) = (Some(form), quality);
            }
        }
        best.ok_or_else(|| {
            let detail = format!(
                "The answer is given as application/json or {ARROW}; name one of them in Accept."
            );
            Denied::new(Kind::NotAcceptable, detail)
        })
    }
}

/// How much a type is wanted, from 0 to 1: what the closest range says.
fn quality(ranges: &[&str], media_type: &str) -> f32 {
    let (mut closest, mut quality) = (0, 0.0);
    for range in ranges {
        let mut parts = range.split(';').map(str::trim);
        let closeness = closeness(parts.next().unwrap_or_default(), media_type);
        if closeness > closest {
            closest = closeness;
            let weight = parts.find_map(|part| part.strip_prefix("q="));
            quality = weight.map_or(1.0, |text| text.parse().unwrap_or(0.0));
        }
    }
    quality
}

fn closeness(range: &str, media_type: &str) -> u8 {
    let family = range.strip_suffix("/*");
    if range.eq_ignore_ascii_case(media_type) {
        3
    } else if family.is_some_and(|family| media_type.split('/').next() == Some(family)) {
        2
    } else {
        u8::from(range == "*/*")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(accept: &str) -> Option<Form> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, accept.parse().unwrap());
        Form::wanted(&headers).ok()
    }

    #[test]
    fn the_closest_range_and_the_greatest_weight_decide() {
        assert_eq!(Form::wanted(&HeaderMap::new()).unwrap(), Form::Json);
        for accept in [
            "*/*",
            "application/*",
            "application/json",
            "text/html, application/json;q=0.1",
        ] {
            assert_eq!(wanted(accept), Some(Form::Json), "{accept}");
        }
        for accept in [
            ARROW.to_owned(),
            format!("application/json;q=0.5, {ARROW}"),
            format!("*/*;q=0.1, {ARROW}; q=0.2"),
            "application/*, application/json;q=0".to_owned(),
        ] {
            assert_eq!(wanted(&accept), Some(Form::Arrow), "{accept}");
        }
        for accept in ["text/csv", "*/*;q=0", "application/json;q=0"] {
            assert_eq!(wanted(accept), None, "{accept}");
        }
    }
}
