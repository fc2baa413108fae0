//! A provider that plays a script and remembers every order.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use errors::FieldViolation;
use generation::domain::provider::{
    ErrorClass, Extras, Fit, ImageOrder, ImageProvider, ImageSpec, Job, Model, Polled,
    ProviderError, RawImage, Spent, Stopped, Stops, Submitted,
};
use types::Microusd;

/// What the provider does when it is asked.
#[derive(Debug, Clone)]
pub enum Play {
    /// Sends a picture of the asked size.
    Paint,
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Sends a picture and tells what it took.
    PaintFor(Spent),
    /// Takes the order as a job, for 7,000 millionths.
    Accept(&'static str),
    /// Takes the order as a job, for so many millionths.
    AcceptFor(i64),
    /// Takes the order as a job after a while, for 7,000 millionths.
    AcceptAfter(Duration, &'static str),
    /// Sends a picture of the asked size after a while.
    PaintAfter(Duration),
    /// Fails after a while.
    FailAfter(Duration, ErrorClass),
    /// Is not done yet (answers to polls only).
    Busy(u8),
    /// Fails like this.
    Fail(ErrorClass, Option<Duration>),
    /// Fails like this, and tells what it took all the same.
    FailFor(ErrorClass, Spent),
    /// Never answers.
    Hang,
    /// Breaks our own code.
    Panic,
}

/// A scripted provider; once the script is over, it paints.
pub struct Scripted {
    name: &'static str,
    models: Vec<Model>,
    repeatable: bool,
    timeout: Duration,
    script: Mutex<VecDeque<Play>>,
    polls: Mutex<VecDeque<Play>>,
    extras: Extras,
    progress: Mutex<VecDeque<u8>>,
    stopping: Option<Mutex<VecDeque<Result<Stopped, ErrorClass>>>>,
    stopped: Mutex<Vec<Job>>,
    /// Every order it was sent.
    pub orders: Mutex<Vec<ImageOrder>>,
    /// Every job it was asked about.
    pub asked: Mutex<Vec<Job>>,
}

impl Scripted {
    pub fn new(name: &'static str, price: i64) -> Self {
        Self {
            name,
            models: vec![Model {
                name: format!("{name}-1"),
                price_per_image: Microusd(price),
                price_as_of: "2026-11-01".to_owned(),
                takes_input_images: true,
            }],
            repeatable: false,
            timeout: Duration::from_secs(20),
            script: Mutex::default(),
            polls: Mutex::default(),
            extras: Extras::default(),
            progress: Mutex::default(),
            stopping: None,
            stopped: Mutex::default(),
            orders: Mutex::default(),
            asked: Mutex::default(),
        }
    }

    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// Knows quality, background and masks.
    pub fn knowing_all(mut self) -> Self {
        self.extras = Extras {
            finish: true,
            masks: true,
        };
        self
    }

    /// Tells how far it is when it is asked, as long as this lasts.
    pub fn telling(self, percents: impl IntoIterator<Item = u8>) -> Self {
        self.progress.lock().unwrap().extend(percents);
        self
    }

    pub fn within(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    pub fn plays(self, script: impl IntoIterator<Item = Play>) -> Self {
        self.script.lock().unwrap().extend(script);
        self
    }

    pub fn polled(self, script: impl IntoIterator<Item = Play>) -> Self {
        self.polls.lock().unwrap().extend(script);
        self
    }

    /// Stops jobs, and answers like this; once that is over, that each is over and says no cost.
    pub fn stopped_by(
        mut self,
        answers: impl IntoIterator<Item = Result<Stopped, ErrorClass>>,
    ) -> Self {
        self.stopping = Some(Mutex::new(answers.into_iter().collect()));
        self
    }

    /// Every job it was asked to stop.
    pub fn stops_asked(&self) -> Vec<Job> {
        self.stopped.lock().unwrap().clone()
    }

    pub fn sends(&self) -> usize {
        self.orders.lock().unwrap().len()
    }
}

fn picture(width: u32, height: u32) -> RawImage {
    RawImage {
        bytes: testkit::pictures::png(width, height).into(),
        spent: Spent::default(),
    }
}

fn error(class: ErrorClass, retry_after: Option<Duration>) -> ProviderError {
    ProviderError {
        class,
        message: format!("the provider says {class:?}"),
        detail: "their own words".to_owned(),
        retry_after,
        spent: Spent::default(),
    }
}

#[async_trait]
impl ImageProvider for Scripted {
    fn name(&self) -> &str {
        self.name
    }

    fn models(&self) -> &[Model] {
        &self.models
    }

    fn fit(&self, _model: &Model, spec: &ImageSpec) -> Fit {
        let mut wrong = Vec::new();
        for (field, side) in [("image.width", spec.width), ("image.height", spec.height)] {
            if !(64..=2048).contains(&side) || side % 8 != 0 {
                wrong.push(FieldViolation {
                    field: field.to_owned(),
                    description: "must be 64 to 2048 in steps of 8".to_owned(),
                });
            }
        }
        if !wrong.is_empty() {
            return Fit::No(wrong);
        }
        let ignored = (!spec.negative_prompt.is_empty()).then(|| "negativePrompt".to_owned());
        Fit::Yes {
            ignored: ignored.into_iter().collect(),
        }
    }

    fn extras(&self, _model: &Model) -> Extras {
        self.extras
    }

    async fn progress(&self) -> Option<u8> {
        self.progress.lock().unwrap().pop_front()
    }

    fn is_repeatable(&self) -> bool {
        self.repeatable
    }

    async fn submit(&self, order: &ImageOrder) -> Result<Submitted, ProviderError> {
        self.orders.lock().unwrap().push(order.clone());
        let play = self.script.lock().unwrap().pop_front();
        match play.unwrap_or(Play::Paint) {
            Play::Paint | Play::Busy(_) => Ok(Submitted::Done(picture(
                order.spec.width,
                order.spec.height,
            ))),
            Play::PaintAfter(rest) => {
                tokio::time::sleep(rest).await;
                let (width, height) = (order.spec.width, order.spec.height);
                Ok(Submitted::Done(picture(width, height)))
            }
            Play::Send(bytes) => Ok(Submitted::Done(RawImage {
                bytes: bytes.into(),
                spent: Spent::default(),
            })),
            Play::PaintFor(spent) => Ok(Submitted::Done(RawImage {
                spent,
                ..picture(order.spec.width, order.spec.height)
            })),
            Play::AcceptFor(cost) => Ok(Submitted::Accepted(Job {
                id: "job".to_owned(),
                poll_url: None,
                cost_microusd: Some(cost),
                ..Job::default()
            })),
            Play::Accept(id) => Ok(Submitted::Accepted(Job {
                id: id.to_owned(),
                poll_url: None,
                cost_microusd: Some(7_000),
                ..Job::default()
            })),
            Play::AcceptAfter(rest, id) => {
                tokio::time::sleep(rest).await;
                Ok(Submitted::Accepted(Job {
                    id: id.to_owned(),
                    cost_microusd: Some(7_000),
                    ..Job::default()
                }))
            }
            Play::FailAfter(rest, class) => {
                tokio::time::sleep(rest).await;
                Err(error(class, None))
            }
            Play::Fail(class, retry_after) => Err(error(class, retry_after)),
            Play::FailFor(class, spent) => Err(ProviderError {
                spent,
                ..error(class, None)
            }),
            Play::Hang => std::future::pending().await,
            Play::Panic => panic!("the script says so"),
        }
    }

    async fn poll(&self, job: &Job) -> Result<Polled, ProviderError> {
        self.asked.lock().unwrap().push(job.clone());
        let play = self.polls.lock().unwrap().pop_front();
        match play.unwrap_or(Play::Paint) {
            Play::Busy(percent) => Ok(Polled::Pending(Some(percent))),
            Play::Fail(class, retry_after) => Err(error(class, retry_after)),
            Play::FailFor(class, spent) => Err(ProviderError {
                spent,
                ..error(class, None)
            }),
            Play::Hang => std::future::pending().await,
            _ => Ok(Polled::Done(picture(64, 64))),
        }
    }

    fn stops(&self) -> Option<&dyn Stops> {
        self.stopping.as_ref().map(|_| self as &dyn Stops)
    }

    fn timeout(&self) -> Duration {
        self.timeout
    }
}

#[async_trait]
impl Stops for Scripted {
    async fn stop(&self, job: &Job) -> Result<Stopped, ProviderError> {
        self.stopped.lock().unwrap().push(job.clone());
        let answers = self.stopping.as_ref().unwrap();
        let answer = answers.lock().unwrap().pop_front();
        let over = Ok(Stopped::Over(Spent::default()));
        answer.unwrap_or(over).map_err(|class| error(class, None))
    }
}
