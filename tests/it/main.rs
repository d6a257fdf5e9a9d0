//! The integration tests: the real binary on the real OpenVINO with the shipped model, and beside
//! them the library on a scripted engine. `cargo xtask test` sets up the pinned releases that they
//! need and runs them, with `--all` also those that are ignored as heavy.
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
//! | [`documentation`] | the links of all pages lead to files and headings; generated pages are current |
//! | [`examples`] | the library used from another program |
//! | [`output_file`] | `--output` fails before anything is measured, and loses nothing |
//! | [`published`] | the published figure: judged for its own model and device alone |
//! | [`paths`] | `--model-dir` and `--output` take any name as it is, and nothing beside it is touched |
//! | [`supervision`] | a worker that hangs, crashes, is killed or leaks ends in time, without speed |
//! | [`interrupt`] | Ctrl-C: recorded, without speed |
//! | [`states`] | the KV cache: its shapes, its emptiness, and putting it back |
//! | [`model_describe`] | what a model is made of, without OpenVINO |
//! | [`model_fetch`] | a model from a hub: killed and resumed, refused, and fixed |
//! | [`model_use`] | the model that bare verbs take |
//! | [`infer`] | one answer, streamed |
//! | [`gpu_plugin`] | OpenVINO's own GPU plugin on an emulated GPU; only by `cargo xtask test --gpu-plugin` |
//! | [`first_light`] | the first day on a GPU: each claim by its evidence alone, a walk that nothing ends, a bundle that names nobody |
//! | [`peers`] | engines side by side: equal tokens first, and none with others has a speed |
//! | [`roofline`] | the share of the memory's bandwidth that decoding reaches, or why that would mean nothing |
//! | [`accept_model`] | which record accepts its model as the published one, and which does not |
//! | [`device_lock`] | one use of the device at a time: what runs a model waits for what holds it |
//! | [`doctor`] | damaged records, a held lock, what was left behind, and the guards of this machine |
//! | [`record`] | a record is what was written, or it is refused |
//! | [`repositories`] | a repository in any state: what it has, what differs, and what is missing |
//! | [`clones`] | the files of a commit: whole or not there, and the repository is only read |
//! | [`work_trees`] | a copy of the work tree as it is, where only what differs is touched |
//! | [`side_builds`] | the program of a commit or a work tree: the same for the same sources, whole or not there |
//! | [`history`] | the store: both kinds of record, the newest of each, and none that is altered |
//! | [`planted`] | `ab` of commits that are slower, wrong, or the same: built, measured, judged |
//! | [`side_builds`] | the program of a commit or a work tree: the same for the same sources, and built once |
//! | [`failed_builds`] | a build that fails, is interrupted or must wait: says why, and leaves nothing half |
//! | [`history_changes`] | where a series became slower, and where only the machine changed |
//! | [`history_crash`] | killed writers, many writers and full disks: nothing acknowledged is lost |
//! | [`history_index`] | the index says what the records say; baselines are chosen by ancestry |
//! | [`history_exchange`] | `history export --format`: which records, where to, and nothing of what has no speed |
//! | [`history_verbs`] | `history list`, `verify`, `rebuild`, `import`, `export`, `use` |
//! | [`history_foreign`] | files of other tools: reported, kept apart, reported again, and refused where they leave something open |
//! | [`history_sharing`] | `history push` and `pull`: many pushers, mischief on the branch, no trace beside it |
//! | [`simulation`] | thousands of sessions on a noisy machine: how often the paired verdict is wrong |
//! | [`scripted`] | from supervisor to table with scripted workers, every figure checked by hand |
//! | [`ab_scripted`] | pairs of scripted workers: drawn until it is decided, in time, and none that is invalidated |
//! | [`decisions`] | every rule of a verdict: what turns it, for a gate and for somebody at a machine |
//! | [`shell_files`] | `completions` and `man` |
//! | [`next_steps`] | commands that are printed run as they are printed |
//! | [`validity`] | what invalidates a record, and that every report says it first |
//! | [`contradictions`] | a record that contradicts itself: refused by every reader, by the field |
//! | [`altered`] | records with one field altered: none of a head that is slower, wrong or not measured is green |
//! | [`gate`] | the gate on what is stored of a commit: its exit codes, its refusals, its word again |
//! | [`rehearsal`] | pull requests of every kind, from the event to the status and the comment |
//! | [`demo`] | the invented history: every word of the gate is in it, and it can be as long as asked |
//! | [`compare`] | two records compared with each other: how they are named, what is reported, and no verdict |
//! | [`card`] | a run as the published tables, and none of what may not be published |
//! | [`browser_harness`] | a page that does what a report must not is found out, and a good one is let pass |
//! | [`hostile_files`] | pipes, devices, links, sparse files and long names wherever a file is read: named, and the good ones are taken |
//! | [`mutated_files`] | real files, changed at random: read or refused by name, and no reader panics |
//! | [`hostile_pages`] | text that wants to be more, in every field of a record: on a page it is text |
//! | [`site`] | `report`: the same bytes for the same records, made again only where they differ; serving, the card |
//! | [`history_page`] | the page of the history under use: pointer, keyboard, address, and without the chart library |
//! | [`page_budgets`] | what the pages of a long history weigh |
//! | [`pages`] | every kind of page in the browser: whole at every width, in light and dark, without JavaScript |
//! | [`runner_preparation`] | a machine made ready for the gate, and the jobs that it refuses |
//! | [`visible_text`] | text of others through every verb that prints, and text that names a person at every way out |
//! | [`reporting`] | a decision in every form in which it is reported, and that hostile text stays text |
//!
//! What they stand on:
//!
//! | module | offers |
//! |---|---|
//! | [`checkout`] | a checkout in a temporary folder, with settings of its own, to run the binary in |
//! | [`git_repository`] | a repository made by git itself, in whatever state a test needs |
//! | [`ended`] | a run that has ended, and what it said |
//! | [`model_copy`] | a copy of the shipped model, to be damaged |
//! | [`hub_server`] | a hub of models that misbehaves as a test says, and counts what it sends |
//! | [`big_model`] | a model too big for a processor's cache, made from the shipped one |
//! | [`small_product`] | a small package in the place of the product, to be built |
//! | [`forged`] | a record that no run has made |
//! | [`forged_ab`] | an A/B that no run has made, with any verdict |
//! | [`laid_out`] | invented records that agree with themselves |
//! | [`forged_pairs`] | an A/B that no run has made, with times that decide what it comes to |
//! | [`browser`] | the browser of this machine: it looks at pages, and does on them what a user would |
//! | [`demo_site`] | the pages of the invented history |
//! | [`every_text`] | any words in the place of every text that a record may hold |
//! | [`fake_worker`] | workers that misbehave |
//! | [`noisy_machine`] | a machine that drifts, stalls and has slow processes, from a seed |
//! | [`living_worker`] | the worker of a `bench` that is under way |
//! | [`hostile_text`] | text that wants to be more than text on a page |
//! | [`this_machine`] | OpenVINO in the process of the tests, and whether there is a GPU |

mod ab_scripted;
mod accept_model;
mod altered;
mod bad_input;
mod big_model;
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
mod device_lock;
mod doctor;
mod documentation;
mod ended;
mod every_text;
mod examples;
mod failed_builds;
mod fake_worker;
mod first_light;
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
mod history_foreign;
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
mod states;
mod supervision;
mod this_machine;
mod validity;
mod visible_text;
mod work_trees;
