//! The integration tests: the real binary on the real OpenVINO with the shipped model, and beside
//! them the library on a scripted engine. `cargo xtask test` sets up the pinned releases that they
//! need and runs them, with `--all` also those that are ignored as heavy.
//!
//! What a user relies on:
//!
//! | module | subject |
//! |---|---|
//! | [`main_job`] | a bare `bench`: table, record, exit code, the device that really ran |
//! | [`goldens`] | every token on every pinned release and precision; a wrong token fails `bench` |
//! | [`probe`] | logits on a text that the model was not trained on: damage that no golden shows |
//! | [`drift`] | next-token distributions against stored ones: planted faults, releases, thread counts |
//! | [`depth`] | the suite `depth`: prompts of stated lengths, decoding over a filled KV cache |
//! | [`blessing`] | `golden bless`: from a record just measured here, and from no other |
//! | [`model_files`] | a damaged, incomplete or different model is refused, and never written to |
//! | [`bad_input`] | every wrong flag has its message, hint and exit code, and leaves no record |
//! | [`documentation`] | links of all pages lead to files and headings; generated pages are current |
//! | [`examples`] | the library used from another program |
//! | [`output_file`] | `--output` fails before anything is measured, and loses nothing |
//! | [`published`] | the published 21.24 tok/s: judged for its own model and device only |
//! | [`paths`] | `--model-dir` and `--output` take any file name, and nothing beside it is touched |
//! | [`supervision`] | a worker that hangs, crashes, is killed or leaks ends in time, without a speed |
//! | [`interrupt`] | Ctrl-C: recorded, without a speed |
//! | [`soak`] | one arm for long: windows, pause, restart, page |
//! | [`states`] | the KV cache: shapes, emptiness, restoring it |
//! | [`kv`] | changes of the KV cache side by side: agreement, bytes, time; refusals |
//! | [`kv_transforms`] | arms of KV experiments: tokens, bytes, refusals |
//! | [`model_describe`] | what a model is made of, without OpenVINO |
//! | [`model_fetch`] | a download from a hub: killed and resumed, refused, repaired |
//! | [`model_use`] | the model that verbs take by default |
//! | [`infer`] | one answer, streamed |
//! | [`tokenizer_ir`] | a tokenizer that is an OpenVINO graph: used, compared, refused |
//! | [`under_wine`] | the program for Windows under Wine; only by `cargo xtask test --windows` |
//! | [`gpu_plugin`] | OpenVINO's GPU plugin on an emulated GPU; only by `cargo xtask test --gpu-plugin` |
//! | [`fleet`] | the data set for DuckDB and Spark: rows, repeated and killed exports, compaction |
//! | [`first_light`] | hardware validation: each claim by its evidence, a walk that no failure ends, a bundle without names |
//! | [`peers`] | engines side by side: equal tokens first; an engine with other tokens has no speed |
//! | [`roofline`] | the share of the memory bandwidth that decoding reaches, or why it is not computed |
//! | [`accept_model`] | which record may accept its model as the published one |
//! | [`device_lock`] | one use of the device at a time |
//! | [`doctor`] | damaged records, a held lock, stale files, and the guards of this machine |
//! | [`record`] | a record is read as it was written, or refused |
//! | [`repositories`] | a repository in any state: its commit, its changes, and what is missing |
//! | [`clones`] | the files of a commit: complete or absent; the repository is only read |
//! | [`work_trees`] | a copy of the work tree in which only changed files are rewritten |
//! | [`side_builds`] | the program of a commit or a work tree: built once, equal for equal sources, complete or absent |
//! | [`failed_builds`] | a build that fails, is interrupted or must wait: its reason, and nothing incomplete left |
//! | [`history`] | the store: every kind of record, the newest of each, none that was altered |
//! | [`history_changes`] | where a series became slower, and where only the machine changed |
//! | [`history_crash`] | killed writers, many writers and full disks: no acknowledged record is lost |
//! | [`history_index`] | the index agrees with the records; baselines are chosen by ancestry |
//! | [`history_exchange`] | `history export --format`: which records, to where, and nothing without a valid speed |
//! | [`history_verbs`] | `history list`, `verify`, `rebuild`, `import`, `export`, `use` |
//! | [`history_imported`] | imports from other tools: listed, kept apart, refused where they are ambiguous |
//! | [`history_sharing`] | `history push` and `pull`: many pushers, a hostile branch, nothing personal |
//! | [`planted`] | `ab` of commits that are slower, wrong or equal: built, measured, judged |
//! | [`simulation`] | thousands of simulated sessions: how often the paired verdict is wrong |
//! | [`scripted`] | from supervisor to table with scripted workers, every number checked by hand |
//! | [`ab_scripted`] | pairs of scripted workers: measured until decided, within the budget, invalid pairs replaced |
//! | [`bisect`] | which commit, release or setting made it slower or wrong: found, or "cannot tell" |
//! | [`backfill`] | `bench --commit`: older commits measured afterwards, each stored under its own |
//! | [`ab_settings`] | an A/B whose sides differ by an environment variable |
//! | [`profile`] | the operators that explain a slower head; a worker that cannot profile changes no verdict |
//! | [`decisions`] | every rule of a verdict, for `gate` and for `ab` |
//! | [`shell_files`] | `completions` and `man` |
//! | [`next_steps`] | printed commands run as they are printed |
//! | [`validity`] | what invalidates a record, and that every output shows it first |
//! | [`contradictions`] | a record that contradicts itself: refused by every reader, with the field's name |
//! | [`altered`] | records with one altered field: none of a slower, wrong or unmeasured head is green |
//! | [`gate`] | the gate on stored records: exit codes, refusals, replay |
//! | [`rehearsal`] | pull requests of every kind, from the event to the status and the comment |
//! | [`demo`] | the invented history: every verdict is in it, at any length |
//! | [`compare`] | two records compared: how they are named, what is reported, and no verdict |
//! | [`card`] | a run as the tables of a model card, without what may not be published |
//! | [`browser_harness`] | a page with a defect fails the browser tests, and a good one passes |
//! | [`hostile_files`] | pipes, devices, links, sparse files and long names: named, and the good files are taken |
//! | [`mutated_files`] | real files changed at random: read or refused by name; no reader panics |
//! | [`hostile_pages`] | hostile text in every field of a record stays text on a page |
//! | [`site`] | `report`: equal bytes for equal records, only changed pages rendered; serving; the card |
//! | [`history_page`] | the history page: pointer, keyboard, address, and without the chart library |
//! | [`page_budgets`] | the size of the pages of a long history |
//! | [`pages`] | every kind of page in the browser: complete at every width, light and dark, without JavaScript |
//! | [`runner_preparation`] | a machine prepared for the gate, and the jobs that it refuses |
//! | [`visible_text`] | text of others through every verb that prints; personal text at every way out |
//! | [`reporting`] | a decision in every output format |
//!
//! What they are built on:
//!
//! | module | offers |
//! |---|---|
//! | [`checkout`] | a checkout in a temporary folder, with settings of its own, to run the binary in |
//! | [`git_repository`] | a repository made by git itself, in whatever state a test needs |
//! | [`ended`] | a run that has ended: exit code, stdout, stderr |
//! | [`model_copy`] | a copy of the shipped model, to be damaged |
//! | [`hub_server`] | a model hub that misbehaves on request, and counts what it sends |
//! | [`big_model`] | a model larger than a processor's cache, made from the shipped one |
//! | [`small_product`] | a small package to be built in place of arcgauge |
//! | [`forged`] | a record that no run has made |
//! | [`forged_ab`] | an A/B that no run has made, with any verdict |
//! | [`forged_pairs`] | an A/B that no run has made, with times that decide it |
//! | [`laid_out`] | invented records that are consistent |
//! | [`browser`] | the browser of this machine: screenshots, layout, pointer and keyboard |
//! | [`demo_site`] | the pages of the invented history |
//! | [`every_text`] | any text in the place of every text field of a record |
//! | [`fake_worker`] | workers that misbehave |
//! | [`noisy_machine`] | a machine that drifts, stalls and has slow processes, from a seed |
//! | [`living_worker`] | the worker of a `bench` that is under way |
//! | [`hostile_text`] | control characters, markup and formulas |
//! | [`this_machine`] | OpenVINO in the process of the tests, and whether there is a GPU |
// They need the processes, links and pipes of Linux.
#![cfg(unix)]

mod ab_scripted;
mod ab_settings;
mod accept_model;
mod altered;
mod backfill;
mod bad_input;
mod big_model;
mod bisect;
mod blessing;
mod browser;
mod browser_harness;
mod card;
mod checkout;
mod clones;
mod compare;
mod contradictions;
mod decisions;
mod demo;
mod demo_site;
mod depth;
mod device_lock;
mod doctor;
mod documentation;
mod drift;
mod ended;
mod every_text;
mod examples;
mod failed_builds;
mod fake_worker;
mod first_light;
mod fleet;
mod forged;
mod forged_ab;
mod forged_pairs;
mod gate;
mod git_repository;
mod goldens;
mod gpu_plugin;
mod history;
mod history_changes;
mod history_crash;
mod history_exchange;
mod history_imported;
mod history_index;
mod history_page;
mod history_sharing;
mod history_verbs;
mod hostile_files;
mod hostile_pages;
mod hostile_text;
mod hub_server;
mod infer;
mod interrupt;
mod kv;
mod kv_transforms;
mod laid_out;
mod living_worker;
mod main_job;
mod model_copy;
mod model_describe;
mod model_fetch;
mod model_files;
mod model_use;
mod mutated_files;
mod next_steps;
mod noisy_machine;
mod output_file;
mod page_budgets;
mod pages;
mod paths;
mod peers;
mod planted;
mod probe;
mod profile;
mod published;
mod record;
mod rehearsal;
mod reporting;
mod repositories;
mod roofline;
mod runner_preparation;
mod scripted;
mod shell_files;
mod side_builds;
mod simulation;
mod site;
mod small_product;
mod soak;
mod states;
mod supervision;
mod this_machine;
mod tokenizer_ir;
mod under_wine;
mod validity;
mod visible_text;
mod work_trees;
