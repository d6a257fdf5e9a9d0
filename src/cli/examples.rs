//! Examples that `--help` shows of each verb. A test parses every one.

pub(super) const BENCH: &str = "\
Examples:
  cargo xtask bench --quick --device CPU
  cargo xtask bench --model-dir gpt-oss-20b-int4-ov --runs 5 --output results.json";

pub(super) const AB: &str = "\
Examples:
  cargo xtask ab --base main --head HEAD --device CPU
  cargo xtask ab --base KV_CACHE_PRECISION=f16 --head KV_CACHE_PRECISION=u8 --budget 30m";

pub(super) const BISECT: &str = "\
Examples:
  cargo xtask bisect --good v0.1.0 --bad HEAD --device CPU
  cargo xtask bisect --good openvino=2026.1.0 --over openvino=2026.2.0 --bad openvino=2026.4.1 --metric ttft@1";

pub(super) const PEERS: &str = "\
Examples:
  cargo xtask peers --engines stateful,genai
  cargo xtask peers --engines stateful,optimum --device CPU";

pub(super) const KV: &str = "\
Examples:
  cargo xtask kv --arm none --arm turboquant:k6v4 --device CPU
  cargo xtask kv --arm none --arm copy --arm turboquant:k6v4,in-graph --arm streaming-llm:128 --rounds 10";

pub(super) const SOAK: &str = "\
Examples:
  cargo xtask soak --time 20m --device CPU
  cargo xtask soak --time 2h --pause 5m --prompt fibonacci";

pub(super) const GATE: &str = "\
Examples:
  cargo xtask gate --base main --head HEAD
  cargo xtask gate --replay latest --format markdown";

pub(super) const CI: &str = "\
Examples:
  cargo xtask ci measure --help
  cargo xtask ci publish --help";

pub(super) const BASELINE: &str = "\
Examples:
  cargo xtask baseline pin latest --reason 'after the fused attention'
  cargo xtask baseline accept-model latest --reason 'converted as docs/models.md says'";

pub(super) const REPORT: &str = "\
Examples:
  cargo xtask report --open
  cargo xtask report --card latest";

pub(super) const INFER: &str = "\
Examples:
  cargo xtask infer --prompt fibonacci
  cargo xtask infer --device CPU --prompt 'What is a KV cache?'";

pub(super) const STATES: &str = "\
Examples:
  cargo xtask states --prompt 'Explain the KV cache'
  cargo xtask states --prompt 'Explain the KV cache' --device CPU --tokens 4";

pub(super) const GOLDEN: &str = "\
Examples:
  cargo xtask golden check
  cargo xtask golden bless latest --reason 'a new tokenizer'";

pub(super) const MODEL: &str = "\
Examples:
  cargo xtask model fetch
  cargo xtask model use gpt-oss-20b-int4-ov";

pub(super) const HISTORY: &str = "\
Examples:
  cargo xtask history list --limit 10
  cargo xtask history show HEAD~1 --wide";

pub(super) const DOCTOR: &str = "\
Examples:
  cargo xtask doctor
  cargo xtask doctor --device CPU";
