//! The one table of codes: every reason with its gRPC code and its HTTP status.

use contracts::errors::v1::Reason;
use http::StatusCode;
use tonic::Code;

const fn row(reason: Reason) -> (Code, StatusCode) {
    match reason {
        Reason::InvalidField | Reason::InvalidRequest | Reason::IncompleteBody => {
            (Code::InvalidArgument, StatusCode::BAD_REQUEST)
        }
        Reason::Unauthenticated | Reason::InvalidCredentials | Reason::InvalidRefreshToken => {
            (Code::Unauthenticated, StatusCode::UNAUTHORIZED)
        }
        Reason::PermissionDenied => (Code::PermissionDenied, StatusCode::FORBIDDEN),
        Reason::NotFound | Reason::UnknownRoute => (Code::NotFound, StatusCode::NOT_FOUND),
        Reason::MethodNotAllowed => (Code::Unimplemented, StatusCode::METHOD_NOT_ALLOWED),
        Reason::EmailTaken | Reason::AlreadyExists => (Code::AlreadyExists, StatusCode::CONFLICT),
        Reason::TooLarge => (Code::OutOfRange, StatusCode::PAYLOAD_TOO_LARGE),
        Reason::UnsupportedMediaType => (Code::InvalidArgument, StatusCode::UNSUPPORTED_MEDIA_TYPE),
        Reason::UnreadableFile
        | Reason::OperationMismatch
        | Reason::IdempotencyMismatch
        | Reason::ContentRefused => (Code::InvalidArgument, StatusCode::UNPROCESSABLE_ENTITY),
        Reason::IdempotencyInFlight => (Code::Aborted, StatusCode::CONFLICT),
        Reason::QuotaExceeded | Reason::RateLimited | Reason::QueueFull => {
            (Code::ResourceExhausted, StatusCode::TOO_MANY_REQUESTS)
        }
        Reason::BudgetExceeded => (Code::FailedPrecondition, StatusCode::PAYMENT_REQUIRED),
        Reason::WrongState => (Code::FailedPrecondition, StatusCode::CONFLICT),
        Reason::NoProvider
        | Reason::PriceUnknown
        | Reason::SpendingPaused
        | Reason::Unavailable
        | Reason::Overloaded => (Code::Unavailable, StatusCode::SERVICE_UNAVAILABLE),
        Reason::DeadlineExceeded => (Code::DeadlineExceeded, StatusCode::GATEWAY_TIMEOUT),
        Reason::RangeNotSatisfiable => (Code::OutOfRange, StatusCode::RANGE_NOT_SATISFIABLE),
        // The rest describe a failed generation, never a failed call.
        _ => (Code::Internal, StatusCode::INTERNAL_SERVER_ERROR),
    }
}

/// Whether a reason says why a call failed; the others say why work did, and the table knows no status
/// for them.
#[must_use]
pub const fn describes_a_call(reason: Reason) -> bool {
    (reason as i32) < Reason::ContentPolicy as i32
}

/// The gRPC code of a reason.
#[must_use]
pub const fn grpc_code(reason: Reason) -> Code {
    row(reason).0
}

/// The HTTP status of a reason.
#[must_use]
pub const fn http_status(reason: Reason) -> StatusCode {
    row(reason).1
}

/// The HTTP status of a bare gRPC code, for errors that carry no reason of ours
/// (google/rpc/code.proto).
#[must_use]
pub const fn http_status_of_code(code: Code) -> StatusCode {
    match code {
        Code::Ok => StatusCode::OK,
        // 499 is nginx's "client closed request"; there is no standard one, and nobody reads it.
        Code::Cancelled => StatusCode::REQUEST_TIMEOUT,
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => {
            StatusCode::BAD_REQUEST
        }
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::AlreadyExists | Code::Aborted => StatusCode::CONFLICT,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::Unknown | Code::Internal | Code::DataLoss => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The name of a code as google/rpc/code.proto spells it.
#[must_use]
pub const fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
