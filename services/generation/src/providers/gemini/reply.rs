//! What Gemini answers: a picture among parts, or why there is none.

use serde::Deserialize;

use crate::providers::money::Tokens;

/// Reasons that mean the content was refused; others mean that no picture came out.
const POLICY: [&str; 10] = [
    "SAFETY",
    "IMAGE_SAFETY",
    "PROHIBITED_CONTENT",
    "IMAGE_PROHIBITED_CONTENT",
    "BLOCKLIST",
    "SPII",
    "RECITATION",
    "IMAGE_RECITATION",
    "MODEL_ARMOR",
    "JAILBREAK",
];

/// An answer with status 200, which may still be a refusal.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reply {
    #[serde(default)]
    candidates: Vec<Candidate>,
    prompt_feedback: Option<PromptFeedback>,
    /// What was used.
    pub usage_metadata: Option<Usage>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate {
    content: Option<Content>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Content {
    #[serde(default)]
    parts: Vec<Part>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    inline_data: Option<InlineData>,
    text: Option<String>,
    #[serde(default)]
    thought: bool,
}

#[derive(Deserialize)]
struct InlineData {
    data: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PromptFeedback {
    block_reason: Option<String>,
}

/// Tokens used.
#[derive(Deserialize, Clone, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct Usage {
    prompt_token_count: u64,
    candidates_token_count: u64,
    thoughts_token_count: u64,
    candidates_tokens_details: Vec<Modality>,
}

#[derive(Deserialize, Clone, Default)]
#[serde(rename_all = "camelCase", default)]
struct Modality {
    modality: String,
    token_count: u64,
}

impl Reply {
    /// Why the content was refused, if it was.
    pub fn refusal(&self) -> Option<String> {
        let block = self
            .prompt_feedback
            .as_ref()
            .and_then(|feedback| feedback.block_reason.as_deref());
        if let Some(reason) = block.filter(|_| self.candidates.is_empty()) {
            return Some(format!("the prompt was blocked: {reason}"));
        }
        let finish = self
            .candidates
            .iter()
            .find_map(|candidate| candidate.finish_reason.as_deref())?;
        POLICY
            .contains(&finish)
            .then(|| format!("the picture was blocked: {finish}"))
    }

    /// The picture as base64: the last part that is no thought, since drafts come first.
    pub fn picture(&self) -> Option<&str> {
        let parts = self
            .candidates
            .iter()
            .filter_map(|candidate| candidate.content.as_ref());
        let parts = parts.flat_map(|content| &content.parts);
        let mut pictures = parts
            .filter(|part| !part.thought)
            .filter_map(|part| part.inline_data.as_ref());
        pictures.next_back().map(|data| data.data.as_str())
    }

    /// Why there is no picture, for the log.
    pub fn why_none(&self) -> String {
        let feedback = self
            .prompt_feedback
            .as_ref()
            .and_then(|feedback| feedback.block_reason.clone());
        let finish = self
            .candidates
            .first()
            .and_then(|candidate| candidate.finish_reason.clone());
        let contents = self
            .candidates
            .iter()
            .filter_map(|candidate| candidate.content.as_ref());
        let text: Option<&str> = contents
            .flat_map(|content| &content.parts)
            .find_map(|part| part.text.as_deref());
        format!(
            "no picture: {feedback:?} {finish:?} {}",
            text.unwrap_or_default()
        )
    }
}

impl Usage {
    /// Without details all that came out counts as picture: rather too much than too little.
    pub fn tokens(&self) -> Tokens {
        let images = self
            .candidates_tokens_details
            .iter()
            .filter(|detail| detail.modality == "IMAGE");
        let image_out = match self.candidates_tokens_details.is_empty() {
            true => self.candidates_token_count,
            false => images
                .map(|detail| detail.token_count)
                .fold(0, u64::saturating_add),
        };
        let text_out = self.candidates_token_count.saturating_sub(image_out);
        Tokens {
            text_in: self.prompt_token_count,
            image_in: 0,
            text_out: text_out.saturating_add(self.thoughts_token_count),
            image_out,
        }
    }
}
