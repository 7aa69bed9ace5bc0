//! What can be asked for by HTTP, and the rules that hold for every request and answer.
//!
//! | address | what it is |
//! | --- | --- |
//! | `/r/SECRET/` | the page |
//! | `/r/SECRET/state` | how things stand |
//! | `POST /r/SECRET/moves` | moves to store |
//! | `POST /r/SECRET/submit` | submits the sort; answers with how things stand then |
//! | `POST /r/SECRET/pause` | the rater leaves for now |
//! | `POST /r/SECRET/change` | begins a new version of what was submitted |
//! | `/r/SECRET/pictures/N/{small,large}` | a picture by its place in the current sort |
//! | `/page/…` | the files of the page, the same for everybody |
//!
//! A link that does not exist gets the same answer whatever is asked for below it.

use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Path, Query, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH,
    LOCATION, REFERRER_POLICY, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use crossbeam_channel::Sender;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::sync::oneshot;

use super::limits::{Counters, network_of};
use super::page;
use super::pictures::{PictureMaker, Size};
use super::protocol::{CLOSED, Change, REMOVED, Refusal, SentMoves};
use super::writer::{Answer, BoardPictures, Message, Published, Question, RaterRequest, Reply};
use crate::ids::PersonId;

/// Largest body of a request: some 500 moves.
const LARGEST_BODY_BYTES: usize = 64 * 1024;
/// How long the body of a request may take to come.
const BODY_PATIENCE: Duration = Duration::from_secs(5);
/// How long a request may take, from its head to its answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// After how many seconds to come again who asked for too much, or at a bad time.
const COME_AGAIN_S: u64 = 2;

/// Nothing but the page's own files, and no page around it.
const CONTENT_POLICY: &str =
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'";

/// What every request can reach.
#[derive(Debug)]
pub(super) struct Shared {
    pub published: Arc<Published>,
    pub writer: Sender<Message>,
    pub pictures: PictureMaker,
    pub counters: Counters,
}

/// Where a connection comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub IpAddr);

/// The rater whose link was used.
#[derive(Clone, Copy, Debug)]
struct Rater(PersonId);

/// All that can be asked for.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    let addresses = Router::new()
        .route("/r/{secret}", get(add_slash))
        .route("/r/{secret}/", get(|| async { Html(page::PAGE) }))
        .route("/r/{secret}/state", get(state).head(nothing_begins))
        .route("/r/{secret}/moves", post(moves))
        .route("/r/{secret}/submit", post(submit))
        .route("/r/{secret}/pause", post(pause))
        .route("/r/{secret}/change", post(change))
        .route("/r/{secret}/pictures/{place}/{size}", get(picture).head(nothing_begins))
        .route("/page/{file}", get(page_file))
        .fallback(nothing_here)
        .with_state(shared.clone());
    // Around all of it, so that without a link not even the methods that an address takes can be learnt.
    Router::new()
        .fallback_service(addresses)
        .layer(middleware::from_fn_with_state(shared.clone(), only_with_link))
        .layer(middleware::from_fn_with_state(shared, within_limits))
        .layer(middleware::from_fn(with_headers))
}

/// Sets the headers that every answer has.
async fn with_headers(request: Request, next: Next) -> Response {
    let mut response = match tokio::time::timeout(PATIENCE, next.run(request)).await {
        Ok(response) => response,
        Err(_) => StatusCode::REQUEST_TIMEOUT.into_response(),
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, CONTENT_POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("x-robots-tag"), "noindex, nofollow"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Whose requests count together: the sender's, whom a proxy on this computer names.
fn sender_of(peer: Peer, headers: &HeaderMap) -> IpAddr {
    let named = || {
        headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
    };
    network_of(if peer.0.is_loopback() { named().unwrap_or(peer.0) } else { peer.0 })
}

async fn within_limits(
    State(shared): State<Arc<Shared>>,
    Extension(peer): Extension<Peer>,
    mut request: Request,
    next: Next,
) -> Response {
    let sender = sender_of(peer, request.headers());
    if !shared.counters.address.allow(sender, 1) {
        return too_many();
    }
    request.extensions_mut().insert(Peer(sender));
    next.run(request).await
}

/// Lets only those through to raters' addresses whose link opens the study.
async fn only_with_link(
    State(shared): State<Arc<Shared>>,
    Extension(Peer(sender)): Extension<Peer>,
    mut request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    let Some(below) = path.strip_prefix("/r/") else { return next.run(request).await };
    let (secret, below) = below.split_once('/').unwrap_or((below, ""));
    let guest = shared.published.links.read().unwrap_or_else(PoisonError::into_inner).find(secret);
    let Some(guest) = guest else {
        return bad_link(&shared, sender);
    };
    if !shared.counters.link.allow(guest.rater, 1) {
        return too_many();
    }
    if guest.removed {
        return if below.is_empty() {
            (StatusCode::GONE, Html(page::note(REMOVED))).into_response()
        } else {
            Refusal::Ended(REMOVED).into_response()
        };
    }
    request.extensions_mut().insert(Rater(guest.rater));
    let Some(_turn) = shared.counters.requests.begin(guest.rater) else { return closing(too_many()) };
    if request.method() == Method::GET || request.method() == Method::HEAD {
        return next.run(request).await;
    }
    let Some(_slow) = shared.counters.bodies.begin(guest.rater) else { return closing(too_many()) };
    match with_whole_body(request).await {
        Ok(request) => next.run(request).await,
        Err(refused) => closing(refused),
    }
}

/// The request with all of its body, which came in time and is not too long.
async fn with_whole_body(request: Request) -> Result<Request, Response> {
    let (head, body) = request.into_parts();
    let said = head.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if said.is_some_and(|bytes| bytes > LARGEST_BODY_BYTES) {
        return Err(too_long());
    }
    match tokio::time::timeout(BODY_PATIENCE, bytes_of(body)).await {
        Ok(Some(bytes)) => Ok(Request::from_parts(head, Body::from(bytes))),
        Ok(None) => Err(too_long()),
        Err(_) => {
            let words = "This took too long to arrive; it is tried again.";
            Err((StatusCode::REQUEST_TIMEOUT, Json(json!({ "error": "slow", "words": words }))).into_response())
        }
    }
}

/// What is in a body; nothing when it is too long or breaks off. Each piece is copied as it comes: kept as they are,
/// pieces of one byte would each hold on to the buffer that they were read into.
async fn bytes_of(mut body: Body) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        if let Ok(data) = frame.ok()?.into_data() {
            if bytes.len() + data.len() > LARGEST_BODY_BYTES {
                return None;
            }
            bytes.extend_from_slice(&data);
        }
    }
    Some(bytes)
}

fn too_long() -> Response {
    let words = "This is too much to send at once.";
    (StatusCode::PAYLOAD_TOO_LARGE, Json(json!({ "error": "too_long", "words": words }))).into_response()
}

/// What is left of the request is not waited for.
fn closing(mut response: Response) -> Response {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Asking only for the head of an answer must not begin a sort.
async fn nothing_begins() -> StatusCode {
    StatusCode::METHOD_NOT_ALLOWED
}

async fn nothing_here(
    State(shared): State<Arc<Shared>>,
    Extension(Peer(sender)): Extension<Peer>,
    request: Request,
) -> Response {
    if request.uri().path().starts_with("/r/") { bad_link(&shared, sender) } else { not_found() }
}

fn bad_link(shared: &Shared, sender: IpAddr) -> Response {
    if shared.counters.bad_links.allow(sender, 1) { not_found() } else { too_many() }
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, Html(page::not_found())).into_response()
}

fn too_many() -> Response {
    let words = "That was too much at once; try again in a moment.";
    let again = [(RETRY_AFTER, COME_AGAIN_S)].map(|(name, seconds)| (name, seconds.to_string()));
    (StatusCode::TOO_MANY_REQUESTS, again, Json(json!({ "error": "too_many", "words": words }))).into_response()
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, error, words) = match self {
            Self::Ended(words) => (StatusCode::GONE, "ended", words.to_owned()),
            Self::Conflict(words) => (StatusCode::CONFLICT, "conflict", words),
            Self::Wrong => (StatusCode::BAD_REQUEST, "wrong", "This cannot be understood.".to_owned()),
            Self::Busy => {
                let words = "This did not work just now; it is tried again.".to_owned();
                (StatusCode::SERVICE_UNAVAILABLE, "busy", words)
            }
        };
        (status, Json(json!({ "error": error, "words": words }))).into_response()
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        match self {
            Self::State(state) => Json(state).into_response(),
            Self::Stored(moves) => Json(json!({ "stored": moves })).into_response(),
            Self::Done => StatusCode::NO_CONTENT.into_response(),
        }
    }
}

/// Asks the thread that knows the project, and waits for its answer.
async fn ask(shared: &Shared, rater: PersonId, what: Question) -> Answer {
    let (reply, answer) = oneshot::channel();
    shared.writer.try_send(Message::Request(RaterRequest { rater, what, reply })).map_err(|_| Refusal::Busy)?;
    answer.await.unwrap_or(Err(Refusal::Busy))
}

fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|_| Refusal::Wrong)
}

/// The page's addresses begin at the slash.
async fn add_slash(Path(secret): Path<String>) -> Response {
    match HeaderValue::try_from(format!("{secret}/")) {
        Ok(to) => (StatusCode::PERMANENT_REDIRECT, [(LOCATION, to)]).into_response(),
        Err(_) => not_found(),
    }
}

async fn state(State(shared): State<Arc<Shared>>, Extension(Rater(rater)): Extension<Rater>) -> Answer {
    ask(&shared, rater, Question::State).await
}

async fn moves(
    State(shared): State<Arc<Shared>>,
    Extension(Rater(rater)): Extension<Rater>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let sent: SentMoves = read(&body)?;
    if !shared.counters.link.allow(rater, sent.moves.len().saturating_sub(1)) {
        return Ok(too_many());
    }
    ask(&shared, rater, Question::Moves(sent)).await.map(IntoResponse::into_response)
}

async fn submit(State(shared): State<Arc<Shared>>, Extension(Rater(rater)): Extension<Rater>, body: Bytes) -> Answer {
    ask(&shared, rater, Question::Submit(read(&body)?)).await
}

async fn pause(State(shared): State<Arc<Shared>>, Extension(Rater(rater)): Extension<Rater>) -> Answer {
    ask(&shared, rater, Question::Pause).await
}

async fn change(State(shared): State<Arc<Shared>>, Extension(Rater(rater)): Extension<Rater>, body: Bytes) -> Answer {
    let Change { task } = read(&body)?;
    ask(&shared, rater, Question::Change(task)).await
}

/// Of which board a picture is asked for: the browser may keep it then, because another sort has other addresses.
#[derive(Deserialize)]
struct OfBoard {
    of: Option<String>,
}

async fn picture(
    State(shared): State<Arc<Shared>>,
    Extension(Rater(rater)): Extension<Rater>,
    Path((_, place, size)): Path<(String, String, String)>,
    Query(OfBoard { of }): Query<OfBoard>,
) -> Response {
    let size = match size.as_str() {
        "small" => Size::Small,
        "large" => Size::Large,
        _ => return not_found(),
    };
    let board = match board_pictures(&shared, rater).await {
        Ok(Some(board)) => board,
        Ok(None) => return not_found(),
        Err(refusal) => return refusal.into_response(),
    };
    let place: Option<usize> = place.parse().ok();
    let picture = place.and_then(|place| place.checked_sub(1)).and_then(|at| board.pictures.get(at));
    let Some(picture) = picture.filter(|_| of.as_ref().is_none_or(|wanted| *wanted == board.board)) else {
        return not_found();
    };
    match shared.pictures.jpeg(picture, size).await {
        Ok(bytes) => {
            let keep = if of.is_some() { "private, max-age=86400, immutable" } else { "private, no-cache" };
            let headers = [(CONTENT_TYPE, "image/jpeg"), (CACHE_CONTROL, keep)];
            (headers, Body::from(bytes)).into_response()
        }
        Err(error) => {
            shared.published.problems.tell(&error.to_string());
            Refusal::Busy.into_response()
        }
    }
}

/// The pictures of the rater's current sort; none when all is submitted.
async fn board_pictures(shared: &Shared, rater: PersonId) -> Result<Option<Arc<BoardPictures>>, Refusal> {
    if shared.published.links.read().unwrap_or_else(PoisonError::into_inner).closed {
        return Err(Refusal::Ended(CLOSED));
    }
    let known = || shared.published.boards.read().unwrap_or_else(PoisonError::into_inner).get(&rater).cloned();
    if let Some(board) = known() {
        return Ok(Some(board));
    }
    ask(shared, rater, Question::Pictures).await?;
    Ok(known())
}

async fn page_file(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(file) = page::file(&name) else { return not_found() };
    let tag = page::tag(file);
    let known = headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let shared = [(ETAG, tag), (CACHE_CONTROL, "no-cache".to_owned())];
    if known {
        return (StatusCode::NOT_MODIFIED, shared).into_response();
    }
    (shared, [(CONTENT_TYPE, file.kind)], file.bytes).into_response()
}
