//! One connection of HTTP/2, and calls on it.

use super::messages::unframed;
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::{Bytes, BytesMut};
use h2::client::{ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Method, Request, Uri, Version};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// Bytes that the server may send ahead on one call, and on the connection.
const CALL_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;

/// Clients send the padding or do not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What came back from a call.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    /// The status of gRPC; 0 is good.
    pub(super) code: u32,
    pub(super) message: Option<Bytes>,
    /// The details of a status that is not.
    pub(super) details: Option<Bytes>,
    /// What it says of its durability.
    pub(super) durability: Option<String>,
}

/// Opens a connection, and has it worked on by this thread until all its calls have ended.
pub(super) async fn open(address: SocketAddr) -> io::Result<SendRequest<Bytes>> {
    let stream = timeout(CONNECT_WITHIN, TcpStream::connect(address)).await??;
    stream.set_nodelay(true)?;
    let handshake = h2::client::Builder::new()
        .initial_window_size(CALL_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .enable_push(false)
        .handshake(stream);
    let (calls, connection) = handshake.await.map_err(broken)?;
    tokio::task::spawn_local(async move {
        // What went wrong is said to every call on it.
        connection.await.ok();
    });
    Ok(calls)
}

pub(super) fn broken(error: h2::Error) -> io::Error {
    match error.is_io() {
        true => error
            .into_io()
            .unwrap_or_else(|| io::ErrorKind::BrokenPipe.into()),
        false => io::Error::other(error.to_string()),
    }
}

/// The head of a call.
pub(super) fn head(uri: &Uri, headers: &HeaderMap) -> Request<()> {
    let mut request = Request::new(());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri.clone();
    *request.version_mut() = Version::HTTP_2;
    *request.headers_mut() = headers.clone();
    request
}

/// Begins a call, as soon as the connection takes one more.
pub(super) async fn begin(
    calls: SendRequest<Bytes>,
    head: Request<()>,
) -> Result<(ResponseFuture, SendStream<Bytes>), h2::Error> {
    calls.ready().await?.send_request(head, false)
}

/// Makes a call of one message, and waits for its answer.
pub(super) async fn call(
    calls: SendRequest<Bytes>,
    head: Request<()>,
    message: Bytes,
) -> Result<Answer, h2::Error> {
    let (answer, mut to) = begin(calls, head).await?;
    to.send_data(message, true)?;
    let (head, mut body) = answer.await?.into_parts();
    let mut answer = Answer {
        durability: durability(&head.headers),
        ..Answer::default()
    };
    answer.take_status(&head.headers);
    let mut bytes = BytesMut::new();
    while let Some(data) = next(&mut body).await? {
        bytes.extend_from_slice(&data);
    }
    answer.message = unframed(&mut bytes);
    if let Some(trailers) = body.trailers().await? {
        answer.take_status(&trailers);
    }
    Ok(answer)
}

/// The next bytes of an answer; they make room for more.
pub(super) async fn next(body: &mut RecvStream) -> Result<Option<Bytes>, h2::Error> {
    let Some(data) = body.data().await.transpose()? else {
        return Ok(None);
    };
    body.flow_control().release_capacity(data.len())?;
    Ok(Some(data))
}

pub(super) fn durability(headers: &HeaderMap) -> Option<String> {
    let said = headers.get("onhand-durability")?.to_str().ok()?;
    Some(said.into())
}

impl Answer {
    /// A status stands behind the message, or in the head if there is none.
    pub(super) fn take_status(&mut self, headers: &HeaderMap) {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(code) = text("grpc-status") {
            self.code = code.parse().unwrap_or(2);
            let details = text("grpc-status-details-bin");
            self.details = details
                .and_then(|text| BASE64.decode(text).ok())
                .map(Bytes::from);
        }
    }
}
