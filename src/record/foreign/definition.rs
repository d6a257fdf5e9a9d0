//! By which definitions other tools measure. Where their clocks do not stand where ours do, or where their
//! file does not say where they stood, the definition has an id of its own.

use crate::measure::Metric;

/// How an average of many is made: always total tokens over total seconds, whichever way round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AverageBy {
    /// Time of a whole generation: every generation counts once.
    Generation,
    /// Time a token: every token counts once.
    Token,
    /// Time a token after the first: every token but the first counts once.
    LaterToken,
    /// Tokens a second: every second counts once.
    Second,
}

/// A definition that a figure of another tool may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Definition {
    /// The id: figures of unlike ids are never compared.
    pub id: &'static str,
    /// The unit.
    pub unit: &'static str,
    /// What it is, in words or as a formula.
    pub meaning: &'static str,
    /// How an average is made.
    pub average_by: AverageBy,
}

const FIRST_LATENCY: Definition = Definition {
    id: "llm_bench.first_latency@1",
    unit: "ms",
    meaning: "first token: from the call on with the genai pipeline, the first step alone with optimum",
    average_by: AverageBy::Generation,
};
const SECOND_LATENCY: Definition = Definition {
    id: "llm_bench.second_avg_latency@1",
    unit: "ms/token",
    meaning: "tokens after the first: (t_N - t_1) / (N - 1) with the genai pipeline, mean step with optimum",
    average_by: AverageBy::LaterToken,
};
const FIRST_INFER: Definition = Definition {
    id: "llm_bench.first_infer_latency@1",
    unit: "ms",
    meaning: "the first inference alone",
    average_by: AverageBy::Generation,
};
const SECOND_INFER: Definition = Definition {
    id: "llm_bench.second_infer_avg_latency@1",
    unit: "ms/token",
    meaning: "mean of the inferences after the first, without all else of a step",
    average_by: AverageBy::LaterToken,
};
const TOKENIZATION: Definition = Definition {
    id: "llm_bench.tokenization_time@1",
    unit: "ms",
    meaning: "text to tokens",
    average_by: AverageBy::Generation,
};
const DETOKENIZATION: Definition = Definition {
    id: "llm_bench.detokenization_time@1",
    unit: "ms",
    meaning: "tokens to text",
    average_by: AverageBy::Generation,
};
const COMPILE: Definition = Definition {
    id: "llm_bench.compile_time@1",
    unit: "s",
    meaning: "from the call that makes the pipeline to its end; whether from a cache is not told",
    average_by: AverageBy::Generation,
};
const PROMPT_PASS: Definition = Definition {
    id: "llama_bench.pp@1",
    unit: "token/s",
    meaning: "tokens of a prompt of random tokens over the time of its pass: no token is chosen",
    average_by: AverageBy::Second,
};
const GENERATION_PASS: Definition = Definition {
    id: "llama_bench.tg@1",
    unit: "token/s",
    meaning: "steps of one token over their time: no prompt, and random tokens instead of chosen ones",
    average_by: AverageBy::Second,
};
const BOTH_PASSES: Definition = Definition {
    id: "llama_bench.pg@1",
    unit: "token/s",
    meaning: "tokens of a prompt and steps after it, added up, over the time of both",
    average_by: AverageBy::Second,
};
const OF_TOOLS: [Definition; 10] = [
    FIRST_LATENCY,
    SECOND_LATENCY,
    FIRST_INFER,
    SECOND_INFER,
    TOKENIZATION,
    DETOKENIZATION,
    COMPILE,
    PROMPT_PASS,
    GENERATION_PASS,
    BOTH_PASSES,
];

/// The definition of an id; None where figures of other tools have none such.
#[must_use]
pub fn definition(id: &str) -> Option<Definition> {
    ours(id).or_else(|| OF_TOOLS.into_iter().find(|definition| definition.id == id))
}

/// The definitions of ours that others measure by, too.
fn ours(id: &str) -> Option<Definition> {
    let average_by = match Metric::ALL.iter().copied().find(|metric| metric.id() == id)? {
        Metric::EndToEndLatency => AverageBy::Generation,
        Metric::EndToEndPerToken => AverageBy::Token,
        Metric::EndToEndThroughput => AverageBy::Second,
        _ => return None,
    };
    let metric = Metric::ALL.iter().copied().find(|metric| metric.id() == id)?;
    Some(Definition { id: metric.id(), unit: metric.unit(), meaning: metric.formula(), average_by })
}
