//! What came of a prompt is looked at before anybody sees it, where there is a moderation service. It was
//! paid for by then: a refusal spares nobody that.

use ring::digest::{Context, SHA256};
use types::GenerationId;

use super::{Guard, Refusal, WhenAway, text};
use crate::domain::error::Error;
use crate::domain::picture::Picture;
use crate::domain::ports::Patron;

impl Guard {
    /// Lets the result of a generation pass, or not.
    ///
    /// # Errors
    /// [`Error::ContentRefused`] with the rule it breaks; a store that does not answer, or a moderation
    /// service that does not and without which nothing passes.
    pub async fn check_result(
        &self,
        patron: &Patron,
        task: GenerationId,
        prompt: &str,
        picture: &Picture,
    ) -> Result<(), Error> {
        let Some(moderator) = self.moderator.as_ref().filter(|_| self.sees_results) else {
            return Ok(());
        };
        let judged = moderator.judge_picture(picture.content_type, &picture.bytes);
        let category = match (judged.await, self.when_away) {
            (Ok(None), _) => return Ok(()),
            (Ok(Some(category)), _) => category,
            (Err(fault), WhenAway::Allow) => {
                metrics::counter!("generation_unmoderated_results_total").increment(1);
                tracing::warn!(task.id = %task, error = %fault, "a result passes that the moderation service did not see");
                return Ok(());
            }
            (Err(fault), WhenAway::Refuse) => return Err(Error::Peer(fault)),
        };
        self.refuse(Refusal {
            owner: patron.id,
            prompt,
            digest: digest_of_results(prompt),
            rule: format!("moderation/{category}"),
            result_of: Some(task),
        })
        .await
    }
}

// Of all that comes of these words: no two pictures are the same, and an admin who lets one pass lets pass
// what is like it.
fn digest_of_results(prompt: &str) -> Vec<u8> {
    let mut context = Context::new(&SHA256);
    // No words hold this character.
    context.update(b"results\0");
    context.update(text::folded(prompt).as_bytes());
    context.finish().as_ref().to_vec()
}
