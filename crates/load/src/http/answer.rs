//! Reads answers: as little of them as is needed.

/// Headers that an answer may have.
const MOST_HEADERS: usize = 32;
/// The longest body that is taken: 10,000 levels of a read, with room to spare.
const LONGEST_BODY: usize = 64 << 20;

/// An answer at the beginning of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    /// What it says of its durability.
    pub(crate) durability: Option<&'a str>,
    pub(crate) body: &'a [u8],
    /// Bytes from the first of its head to the last of its body.
    pub(crate) length: usize,
    /// Whether the server closes the connection after it.
    pub(crate) is_last: bool,
}

/// What some bytes from a server are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parsed<'a> {
    Whole(Answer<'a>),
    /// There must be at least so many bytes before it is worth looking again.
    Partial(usize),
}

/// Parses the answer that begins these bytes.
///
/// # Errors
/// They are no HTTP, or the answer has no `Content-Length` of a bearable size.
pub(crate) fn parse(bytes: &[u8]) -> Result<Parsed<'_>, &'static str> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut head = httparse::Response::new(&mut headers);
    let head_length = match head.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(Parsed::Partial(bytes.len() + 1)),
        Err(_) => return Err("not HTTP"),
    };
    let mut body_length: Option<usize> = None;
    let (mut durability, mut is_last) = (None, false);
    for header in head.headers.iter() {
        let value = || std::str::from_utf8(header.value).unwrap_or_default();
        if header.name.eq_ignore_ascii_case("content-length") {
            body_length = value().parse().ok();
        } else if header.name.eq_ignore_ascii_case("onhand-durability") {
            durability = Some(value());
        } else if header.name.eq_ignore_ascii_case("connection") {
            is_last = value().eq_ignore_ascii_case("close");
        }
    }
    let body_length = body_length.filter(|length| *length <= LONGEST_BODY);
    let length = head_length + body_length.ok_or("no Content-Length of up to 64 MiB")?;
    Ok(match bytes.get(head_length..length) {
        None => Parsed::Partial(length),
        Some(body) => Parsed::Whole(Answer {
            status: head.code.unwrap_or_default(),
            durability,
            body,
            length,
            is_last,
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nonhand-durability: within-50ms\r\n\
        content-length: 13\r\n\r\n{\"id\":\"r0-1\"}HTTP/1.1 429";

    #[test]
    fn an_answer_is_found_among_what_follows() {
        let Ok(Parsed::Whole(answer)) = parse(ANSWER) else {
            panic!("{:?}", parse(ANSWER))
        };
        assert_eq!(
            (answer.status, answer.body),
            (201, br#"{"id":"r0-1"}"#.as_slice())
        );
        assert_eq!(answer.durability, Some("within-50ms"));
        assert_eq!(&ANSWER[answer.length..], b"HTTP/1.1 429");
        assert!(!answer.is_last);
    }

    #[test]
    fn an_answer_may_come_in_pieces() {
        let whole = ANSWER.len() - b"HTTP/1.1 429".len();
        for length in 0..whole {
            let Ok(Parsed::Partial(needed)) = parse(&ANSWER[..length]) else {
                panic!("{length} bytes: {:?}", parse(&ANSWER[..length]))
            };
            assert!(
                needed > length && needed <= whole,
                "{length} bytes: {needed}"
            );
        }
    }

    #[test]
    fn what_cannot_be_followed_is_said() {
        assert!(parse(b"SSH-2.0-OpenSSH\r\n").is_err());
        assert!(parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").is_err());
        assert!(parse(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n").is_err());
    }
}
