//! The provider behind a socket: who is believed, what is refused before it reaches the books, and what a node makes of a bad connection.

use axum::http::{Method as HttpMethod, StatusCode};
use tokio::net::TcpListener;

use super::*;
use crate::sandbox::http;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OLD_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

fn secret(text: &str) -> WebhookSecret {
    text.parse().unwrap()
}

async fn serve(sandbox: &Sandbox) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = http::router(sandbox.clone(), &[secret(OLD_SECRET), secret(SECRET)]).unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// The sandbox as a node sees it from elsewhere.
pub async fn served(sandbox: &Sandbox) -> HttpSandbox {
    HttpSandbox::new(&serve(sandbox).await, &secret(SECRET)).unwrap()
}

/// A request as somebody else would make it.
async fn answer(
    url: &str,
    method: HttpMethod,
    path: &str,
    body: &str,
    signature: Option<&str>,
) -> (StatusCode, String) {
    let mut request = reqwest::Client::new().request(method, format!("{url}{path}")).body(body.to_owned());
    if let Some(signature) = signature {
        request = request.header("apricot-signature", signature);
    }
    let answer = request.send().await.unwrap();
    (answer.status(), answer.text().await.unwrap())
}

fn signature(about: &str, body: &str) -> String {
    standardwebhooks::Webhook::new(SECRET).unwrap().sign(about, 0, body.as_bytes()).unwrap()
}

#[tokio::test]
async fn only_who_knows_the_secret_moves_money() {
    let mut desk = Desk::still(Way::Here, Knobs::default(), 204).await;
    let url = serve(&desk.sandbox).await;
    desk.paid(1).await;
    let capture = format!(r#"{{"payment":"{}"}}"#, payment(1));
    let good = signature("POST /v1/captures", &capture);
    let (post, refused) =
        (HttpMethod::POST, (StatusCode::UNAUTHORIZED, r#"{"refused":"not-signed"}"#.to_owned()));
    for (path, body, signature) in [
        ("/v1/captures", capture.as_str(), None),
        ("/v1/captures", capture.as_str(), Some("v1,")),
        ("/v1/captures", capture.as_str(), Some(signature("POST /v1/refunds", &capture).as_str())),
        ("/v1/captures", capture.replace('1', "2").as_str(), Some(good.as_str())),
        ("/v1/refunds", capture.as_str(), Some(good.as_str())),
    ] {
        assert_eq!(
            answer(&url, post.clone(), path, body, signature).await,
            refused,
            "{path} {body} {signature:?}"
        );
    }
    assert_eq!(answer(&url, HttpMethod::GET, "/v1/knobs", "", None).await, refused);
    desk.nothing_more().await;
    assert_eq!(answer(&url, post, "/v1/captures", &capture, Some(&good)).await.0, StatusCode::NO_CONTENT);
    assert_eq!(desk.told().await.0, "payment.captured");

    let stranger = HttpSandbox::new(&url, &secret("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")).unwrap();
    let refused = stranger.capture(payment(1)).await.unwrap_err();
    assert_eq!((&refused, refused.may_retry()), (&ProviderError::NotSigned, true));
    let rotating = HttpSandbox::new(&url, &secret(OLD_SECRET)).unwrap();
    assert_eq!(rotating.capture(payment(1)).await, Ok(()));
    assert_eq!(
        answer(&url, HttpMethod::GET, "/healthz", "", None).await,
        (StatusCode::OK, "ok\n".to_owned())
    );
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_before_the_books() {
    let mut desk = Desk::still(Way::Here, Knobs::default(), 204).await;
    let url = serve(&desk.sandbox).await;
    let valid =
        format!(r#"{{"payment":"{}","amountMinor":"1250","currency":"CNY","method":"approve"}}"#, payment(1));
    for (body, says) in [
        (String::new(), "EOF"),
        ("[]".to_owned(), "expected"),
        (valid.replace("1250", "much"), "amountMinor"),
        (valid.replace("CNY", "yuan"), "currency"),
        (valid.replace("approve", "maybe"), "maybe"),
        (valid.replace(&payment(1).to_string(), "one"), "paymentId"),
        (valid.replace("}", r#","tip":"5"}"#), "tip"),
        (format!("{}{valid}", " ".repeat(4_096)), "length limit"),
    ] {
        let signature = signature("POST /v1/authorisations", &body);
        let (status, said) =
            answer(&url, HttpMethod::POST, "/v1/authorisations", &body, Some(&signature)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
        assert!(said.contains("malformed") && said.contains(says), "{body}: {said}");
    }
    desk.nothing_more().await;
}

#[tokio::test]
async fn whatever_is_wrong_on_the_way_may_be_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = HttpSandbox::new(&format!("http://{address}"), &secret(SECRET)).unwrap();
    let router = axum::Router::new()
        .route("/v1/captures", axum::routing::post(async || (StatusCode::BAD_GATEWAY, "<html>")))
        .route("/v1/knobs", axum::routing::get(async || "x".repeat(5_000)));
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    let check = |error: ProviderError, says: &str| {
        assert!(error.may_retry() && error.to_string().contains(says), "{error}");
    };
    check(asked.capture(payment(1)).await.unwrap_err(), "502 Bad Gateway");
    check(asked.authorise(payment(1), yuan(1), Method::SandboxApprove).await.unwrap_err(), "404 Not Found");
    check(asked.knobs().await.unwrap_err(), "more than 4096 bytes");
    serving.abort();
    assert!(serving.await.unwrap_err().is_cancelled());
    let gone = HttpSandbox::new(&format!("http://{address}"), &secret(SECRET)).unwrap();
    check(gone.capture(payment(1)).await.unwrap_err(), "Connection refused");
}

#[tokio::test]
async fn every_refusal_of_the_books_is_the_same_over_http() {
    let answers = [
        ProviderError::Amount(OutOfBound::new("amount", "1..=9 in minor units")),
        ProviderError::ContentDiffers,
        ProviderError::UnknownPayment,
        ProviderError::NotAuthorised,
        ProviderError::Refunded,
        ProviderError::OverRefund { left: yuan(800) },
        ProviderError::Busy,
        ProviderError::Stopped,
        ProviderError::Unavailable("disk full".to_owned()),
    ];
    for error in answers {
        assert_eq!(http::over_the_wire(error.clone()), error);
    }
}
