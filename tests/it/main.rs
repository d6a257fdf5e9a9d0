//! The integration tests: the real binary on the real OpenVINO with the shipped model, and beside
//! them the library on a scripted engine. `cargo xtask test` sets up the pinned releases that they
//! need and runs them.
//!
//! What a user may rely on:
//!
//! | module | subject |
//! |---|---|
//! | [`main_job`] | a bare `bench`: the table, the record, the results, the device that really ran |
//! | [`goldens`] | every token on every pinned release and precision; a wrong one turns `bench` red |
//! | [`probe`] | the logits on a text that the model was not trained on: damage that no golden sees |
//! | [`blessing`] | `golden bless`: from a record just measured, and from no other |
//! | [`model_files`] | a model that is damaged, incomplete or another is refused, and never written to |
//! | [`bad_input`] | every wrong flag has its message, its hint and its exit code, and leaves no record |
//! | [`output_file`] | `--output` fails before anything is measured, and loses nothing |
//! | [`published`] | the published figure: judged for its own model and device alone |
//! | [`paths`] | `--model-dir` and `--output` take any name as it is, and nothing beside it is touched |
//! | [`supervision`] | a worker that hangs, crashes, is killed or leaks ends in time, without speed |
//! | [`interrupt`] | Ctrl-C: recorded, without speed |
//! | [`states`] | the KV cache: its shapes, its emptiness, and putting it back |
//! | [`model_use`] | the model that bare verbs take |
//! | [`infer`] | one answer, streamed |
//! | [`roofline`] | the share of the memory's bandwidth that decoding reaches, or why that would mean nothing |
//! | [`doctor`] | damaged records, a held lock, what was left behind, and the guards of this machine |
//! | [`record`] | a record is what was written, or it is refused |
//! | [`simulation`] | thousands of sessions on a noisy machine: how often the paired verdict is wrong |
//! | [`scripted`] | from supervisor to table with scripted workers, every figure checked by hand |
//!
//! What they stand on:
//!
//! | module | offers |
//! |---|---|
//! | [`checkout`] | a checkout in a temporary folder, with settings of its own, to run the binary in |
//! | [`ended`] | a run that has ended, and what it said |
//! | [`model_copy`] | a copy of the shipped model, to be damaged |
//! | [`big_model`] | a model too big for a processor's cache, made from the shipped one |
//! | [`forged`] | a record that no run has made |
//! | [`fake_worker`] | workers that misbehave |
//! | [`noisy_machine`] | a machine that drifts, stalls and has slow processes, from a seed |
//! | [`living_worker`] | the worker of a `bench` that is under way |
//! | [`this_machine`] | OpenVINO in the process of the tests, and whether there is a GPU |

mod bad_input;
mod big_model;
mod blessing;
mod checkout;
mod doctor;
mod ended;
mod fake_worker;
mod forged;
mod goldens;
mod infer;
mod interrupt;
mod living_worker;
mod main_job;
mod model_copy;
mod model_files;
mod model_use;
mod noisy_machine;
mod output_file;
mod paths;
mod probe;
mod published;
mod record;
mod roofline;
mod scripted;
mod simulation;
mod states;
mod supervision;
mod this_machine;
