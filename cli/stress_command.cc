// ipcspec stress: workloads race on the system, life after life, until the time is over.
//
// A run has jobs, each of which lives lives of its own. What they measure is in shared memory
// (figures.h); whoever started them prints the table and writes the totals; what violates is
// written by its job, at once.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "cli/commands.h"
#include "cli/figures.h"
#include "cli/history_folder.h"
#include "cli/show.h"
#include "cli/turns.h"
#include "cli/under_test.h"
#include "cli/verdict.h"
#include "conformance/machine_under_test.h"
#include "impl/call/cat.h"
#include "impl/call/check.h"
#include "platforms/kernel/jobs.h"
#include "platforms/kernel/shared.h"
#include "report/results.h"
#include "stress/life.h"
#include "stress/workload.h"

namespace ipcspec {
namespace {

// Where nobody sees a line that changes: how often there is a new one.
constexpr absl::Duration kProgressEvery = absl::Seconds(10);
constexpr absl::Duration kRedrawEvery = absl::Milliseconds(100);

volatile sig_atomic_t interrupted = 0;

// Each life's choices come from the seed of the run, the workload and its number.
uint64_t SeedOf(uint64_t run, size_t workload, int64_t life) {
  Dice dice(run * 1'000'003 + static_cast<uint64_t>(life) * 1009 + workload);
  return dice.Next();
}

void PrintIndented(absl::string_view text) {
  absl::ConsumeSuffix(&text, "\n");
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    std::printf("    %.*s\n", static_cast<int>(line.size()), line.data());
  }
}

class StressRun {
 public:
  StressRun(const Options& options, ResultsFile* results, HistoryFolder* folder)
      : options_(options), results_(results), folder_(folder) {
    for (const Workload& workload : AllWorkloads()) {
      const bool wanted = options.mechanisms.empty() ||
                          std::find(options.mechanisms.begin(), options.mechanisms.end(),
                                    workload.mechanism) != options.mechanisms.end();
      if (wanted && workload.id().find(options.only) != std::string::npos) {
        workloads_.push_back(&workload);
      }
    }
    IPCSPEC_CHECK(workloads_.size() <= Figures::kMostWorkloads, "more workloads than figures");
  }

  // In job `job` of `jobs`.
  int Go(const PlatformFacts& facts, int job, int jobs);

  // After it; `status` is how it ended.
  int Finish(int status);

 private:
  using Turn = TurnTaking::Turn;
  Tally& TallyOf(size_t i) { return figures_->tallies[i]; }
  void LookForMechanisms();
  void LiveOnce(size_t i, int64_t number);
  void Show(const Life& life, size_t i, const std::string& detail, const std::string& file);
  std::string SaveHistory(const Life& life, size_t i, int64_t number);
  void Say(size_t i, const std::string& detail);
  void WriteLine(size_t i, const std::string& detail);
  void Check(const absl::Status& written);
  void Progress(size_t living);
  int Table();
  void Clear() {
    if (terminal_) std::printf("\r\033[K");
  }

  const Options& options_;
  ResultsFile* const results_;
  HistoryFolder* const folder_;
  const bool terminal_ = isatty(STDOUT_FILENO) != 0;
  std::vector<const Workload*> workloads_;
  const Shared<Figures> figures_;
  const TurnTaking turns_;
  const absl::Time start_ = absl::Now();
  absl::Time next_line_ = start_ + (terminal_ ? absl::ZeroDuration() : kProgressEvery);
};

int StressRun::Go(const PlatformFacts& facts, int job, int jobs) {
  if (job > 0 && !MachineUnderTest().apart) return 0;
  {
    const Turn turn(turns_);
    if (!figures_->begun.exchange(true)) {
      if (results_ != nullptr) Check(results_->WritePlatform(facts));
      LookForMechanisms();
      std::printf("%s %s, %s\n", facts.kernel.c_str(), facts.release.c_str(),
                  facts.isolation.c_str());
    }
  }
  KeepFreedMemory();
  const absl::Time end = start_ + options_.length;
  const size_t count = workloads_.size();
  // Each workload has its first life, however short the run is; jobs begin with different ones.
  const auto on_time = [&](int64_t number) { return number == 0 || absl::Now() < end; };
  bool any = count > 0;
  for (int64_t number = job; any && on_time(number); number += jobs) {
    any = false;
    for (size_t k = 0; k < count && on_time(number); ++k) {
      const size_t i = (k + static_cast<size_t>(job) * count / static_cast<size_t>(jobs)) % count;
      if (TallyOf(i).over()) continue;
      any = true;
      figures_->jobs[static_cast<size_t>(job)].living = static_cast<int>(i);
      figures_->took_ns = absl::ToInt64Nanoseconds(absl::Now() - start_);
      if (job == 0) Progress(i);
      LiveOnce(i, number);
      if (interrupted != 0) return 128 + interrupted;
    }
  }
  figures_->took_ns = absl::ToInt64Nanoseconds(absl::Now() - start_);
  figures_->jobs[static_cast<size_t>(job)].living = -1;
  return 0;
}

void StressRun::LookForMechanisms() {
  for (size_t i = 0; i < workloads_.size(); ++i) {
    std::vector<std::string> needs = workloads_[i]->also;
    needs.push_back(workloads_[i]->mechanism);
    for (const std::string& mechanism : needs) {
      if (!WhyNot(mechanism).empty()) TallyOf(i).Set(Tally::kUnsupported, WhyNot(mechanism));
    }
  }
}

void StressRun::LiveOnce(size_t i, int64_t number) {
  Tally& tally = TallyOf(i);
  const absl::Time before = absl::Now();
  const Life life =
      Live(*MachineUnderTest().system, *workloads_[i], SeedOf(options_.seed, i, number));
  tally.took_ns += absl::ToInt64Nanoseconds(absl::Now() - before);
  ++tally.lives;
  tally.races += life.races;
  tally.calls += life.calls;
  tally.deaths += life.deaths;
  if (life.status.ok() && life.verdict == Verdict::kAllowed) return;
  const Turn turn(turns_);
  if (tally.over()) return;  // another job was first
  // What could be set up before can be set up here.
  if (absl::IsFailedPrecondition(life.status) && tally.races == 0) {
    tally.Set(Tally::kUnsupported, std::string(life.status.message()));
  } else if (!life.status.ok() || life.verdict == Verdict::kUndecided) {
    tally.Set(Tally::kUndecided,
              life.status.ok() ? life.story : std::string(life.status.message()));
    const std::string file = SaveHistory(life, i, number);
    if (file.empty()) return;
    Clear();
    std::printf("undecided %s, life %lld: ipcspec explain %s\n", workloads_[i]->id().c_str(),
                static_cast<long long>(number + 1), file.c_str());
  } else {
    const std::string detail = Cat(life.story, "\nlife ", number + 1, " of seed ", options_.seed);
    tally.Set(Tally::kViolates, detail);
    // The line comes first: showing it takes longer.
    WriteLine(i, Cat(detail, "\n\n", ToText(life.counterexample)));
    Show(life, i, detail, SaveHistory(life, i, number));
  }
}

// Saves the history of a life; the path, empty if it was not.
std::string StressRun::SaveHistory(const Life& life, size_t i, int64_t number) {
  if (folder_ == nullptr || figures_->history_lost || life.history.events.empty()) return "";
  const Verdict verdict = life.status.ok() ? life.verdict : Verdict::kUndecided;
  absl::StatusOr<std::string> file = folder_->Save(
      Cat(workloads_[i]->id(), "-", options_.seed, "-", number + 1), verdict, ToText(life.history));
  if (file.ok()) return *std::move(file);
  figures_->history_lost = true;
  Clear();
  std::fprintf(stderr, "ipcspec: %s; no more are saved\n",
               std::string(file.status().message()).c_str());
  return "";
}

// Shows what a life violates: the story, lanes, and the calls themselves if they are few.
void StressRun::Show(const Life& life, size_t i, const std::string& detail,
                     const std::string& file) {
  Say(i, detail);
  const std::string lanes = DrawEnd(life.counterexample, life.blame, TerminalWidth() - 4);
  if (!lanes.empty()) PrintIndented(lanes);
  const int calls = CallsIn(life.counterexample);
  if (calls <= kMostPrinted) {
    PrintIndented(ToText(life.counterexample));
  } else if (file.empty()) {
    std::printf("    %d calls are too many to print: --histories=DIR saves them%s\n", calls,
                results_ != nullptr ? ", and the results have them" : "");
  }
  if (!file.empty()) std::printf("    ipcspec explain %s\n", file.c_str());
}

void StressRun::Say(size_t i, const std::string& detail) {
  Clear();
  std::printf("%s %s: %s\n", TallyOf(i).verdict(), workloads_[i]->id().c_str(),
              workloads_[i]->about.c_str());
  PrintIndented(detail);
}

void StressRun::Check(const absl::Status& written) {
  if (written.ok()) return;
  figures_->results_lost = true;
  Clear();
  std::fprintf(stderr, "ipcspec: %s\n", std::string(written.message()).c_str());
}

void StressRun::WriteLine(size_t i, const std::string& detail) {
  Tally& tally = TallyOf(i);
  if (results_ == nullptr || figures_->results_lost || tally.written) return;
  const std::string name = Cat("stress.", workloads_[i]->id());
  Check(results_->WriteTest({.test = name,
                             .mechanism = workloads_[i]->mechanism,
                             .clauses = {name},
                             .verdict = tally.verdict(),
                             .ms = tally.took_ns / 1'000'000,
                             .detail = detail}));
  tally.written = !figures_->results_lost;
}

void StressRun::Progress(size_t living) {
  const absl::Time now = absl::Now();
  if (now < next_line_) return;
  next_line_ = now + (terminal_ ? kRedrawEvery : kProgressEvery);
  int64_t calls = 0, deaths = 0, lives = 0;
  for (size_t i = 0; i < workloads_.size(); ++i) {
    calls += TallyOf(i).calls, deaths += TallyOf(i).deaths, lives += TallyOf(i).lives;
  }
  const double seconds = absl::ToDoubleSeconds(now - start_);
  const Turn turn(turns_);
  Clear();
  std::printf(
      "[%.0f s of %.0f s] %lld calls, %.0f a second; %lld tasks died; %lld lives explained; now %s",
      seconds, absl::ToDoubleSeconds(options_.length), static_cast<long long>(calls),
      static_cast<double>(calls) / std::max(seconds, 1e-3), static_cast<long long>(deaths),
      static_cast<long long>(lives), workloads_[living]->id().c_str());
  if (!terminal_) std::printf("\n");
}

// The table and the results of what lived; the exit status of that.
int StressRun::Table() {
  Clear();
  for (size_t i = 0; i < workloads_.size(); ++i) {
    const Tally::State state = TallyOf(i).state;
    if (state == Tally::kUndecided || state == Tally::kUnsupported) {
      Say(i, TallyOf(i).detail.data());
    }
  }
  std::printf("\n%-32s %-11s %8s %9s %8s %9s\n", "workload", "verdict", "races", "calls", "deaths",
              "seconds");
  std::map<std::string, int> totals = {
      {"conforms", 0}, {"violates", 0}, {"unsupported", 0}, {"undecided", 0}};
  int64_t all_calls = 0;
  int not_reached = 0;
  for (size_t i = 0; i < workloads_.size(); ++i) {
    const Tally& tally = TallyOf(i);
    if (tally.lives == 0 && tally.state != Tally::kUnsupported) {
      ++not_reached;
      continue;
    }
    ++totals[tally.verdict()];
    const int64_t races = tally.races, calls = tally.calls, deaths = tally.deaths;
    all_calls += calls;
    std::printf("%-32s %-11s %8lld %9lld %8lld %9.1f\n", workloads_[i]->id().c_str(),
                tally.verdict(), static_cast<long long>(races), static_cast<long long>(calls),
                static_cast<long long>(deaths), static_cast<double>(tally.took_ns) / 1e9);
    WriteLine(i, tally.detail[0] != '\0'
                     ? tally.detail.data()
                     : Cat(races, " races, ", calls, " calls, ", deaths, " deaths"));
  }
  if (not_reached > 0) std::printf("%d workloads were not reached\n", not_reached);
  std::printf("%d conform, %d violate, %d unsupported, %d undecided; %lld calls in %.1f s\n",
              totals["conforms"], totals["violates"], totals["unsupported"], totals["undecided"],
              static_cast<long long>(all_calls), static_cast<double>(figures_->took_ns) / 1e9);
  if (results_ != nullptr && !figures_->results_lost) {
    Check(results_->WriteTotals(totals, figures_->took_ns / 1'000'000));
  }
  if (totals["violates"] > 0) return kViolation;
  return totals["undecided"] > 0 || figures_->results_lost || figures_->history_lost ? kUndecided
                                                                                     : kConforms;
}

int StressRun::Finish(int status) {
  SayHowItEnded(status);
  if (!figures_->begun) return status;
  for (const Figures::Job& job : figures_->jobs) {
    if (job.living < 0) continue;
    Clear();
    std::printf("the run ended early, while %s lived\n",
                workloads_[static_cast<size_t>(job.living)]->id().c_str());
    break;
  }
  const int verdict = Table();
  // A run of which a part was cut short, or did not begin, shows what it found, and nothing else.
  return status == 0 || verdict == kViolation ? verdict : status;
}

}  // namespace

int Stress(const Options& options) {
  std::unique_ptr<ResultsFile> results;
  std::unique_ptr<HistoryFolder> folder;
  absl::Status wrong;
  if (!options.results.empty()) {
    absl::StatusOr<std::unique_ptr<ResultsFile>> file = ResultsFile::Create(options.results);
    wrong = file.status();
    if (file.ok()) results = *std::move(file);
  }
  if (wrong.ok() && !options.histories.empty()) {
    absl::StatusOr<std::unique_ptr<HistoryFolder>> opened = HistoryFolder::Open(options.histories);
    wrong = opened.status();
    if (opened.ok()) folder = *std::move(opened);
  }
  if (!wrong.ok()) {
    std::fprintf(stderr, "ipcspec: %s\n", std::string(wrong.message()).c_str());
    return kWrongUse;
  }
  StressRun run(options, results.get(), folder.get());
  if (options.on_reference) {
    // No process of its own that can be ended at once: it ends after the life that it is in.
    std::signal(SIGINT, [](int signal) { interrupted = signal; });
    std::signal(SIGTERM, [](int signal) { interrupted = signal; });
  }
  const int jobs = options.jobs > 0 ? options.jobs : std::min(ProcessorsHere(), kMostJobsUnasked);
  return run.Finish(RunJobs(jobs, [&](int job) {
    return WithSystem(options,
                      [&](const PlatformFacts& facts) { return run.Go(facts, job, jobs); });
  }));
}

}  // namespace ipcspec
