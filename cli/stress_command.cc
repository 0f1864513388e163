// ipcspec stress: workloads race on the system, life after life, until the time is over.
//
// The run may end at any moment: it is interrupted, it dies, its kernel does. So what it measures
// is in memory that outlives it, and whoever started it prints the table and writes the totals;
// what violates is written by the run itself, at once.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstring>
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
#include "cli/history_folder.h"
#include "cli/show.h"
#include "cli/under_test.h"
#include "cli/verdict.h"
#include "conformance/machine_under_test.h"
#include "impl/call/cat.h"
#include "report/results.h"
#include "stress/life.h"
#include "stress/workload.h"

namespace ipcspec {
namespace {

// Where nobody sees a line that changes: how often there is a new one.
constexpr absl::Duration kProgressEvery = absl::Seconds(10);

// What became of one workload so far, in shared memory.
struct Tally {
  enum State { kConforms, kViolates, kUnsupported, kUndecided };
  State state;
  bool written;  // its line of results
  int64_t lives, races, calls, deaths, took_ns;
  char detail[2000];  // the beginning of what is to be said of it

  // Nothing more is to be learnt from it.
  bool over() const { return state == kViolates || state == kUnsupported; }
  const char* verdict() const {
    constexpr const char* kNames[] = {"conforms", "violates", "unsupported", "undecided"};
    return kNames[state];
  }
  void Set(State now, const std::string& why) {
    state = now;
    std::strncpy(detail, why.c_str(), sizeof(detail) - 1);
  }
};

struct Shared {
  bool begun, ended;
  bool results_lost, history_lost;
  int living;  // the workload that lives now
  int64_t took_ns;
  Tally tallies[1];  // as many as there are workloads
};

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
    void* const memory =
        mmap(nullptr, Size(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory != MAP_FAILED) shared_ = static_cast<Shared*>(memory);
  }
  ~StressRun() {
    if (shared_ != nullptr) munmap(shared_, Size());
  }
  StressRun(const StressRun&) = delete;
  StressRun& operator=(const StressRun&) = delete;

  bool has_memory() const { return shared_ != nullptr; }

  // In the run.
  int Go(const PlatformFacts& facts);

  // After it; `status` is how it ended.
  int Finish(int status);

 private:
  size_t Size() const { return sizeof(Shared) + workloads_.size() * sizeof(Tally); }
  Tally& TallyOf(size_t i) { return shared_->tallies[i]; }
  void LookForMechanisms();
  void LiveOnce(size_t i, uint64_t seed);
  void Show(const Life& life, size_t i, const std::string& detail, const std::string& file);
  std::string SaveHistory(const Life& life, Verdict verdict, size_t i);
  void Say(size_t i, const std::string& detail);
  void WriteLine(size_t i, const std::string& detail);
  void Check(const absl::Status& written);
  void Progress();
  int Table();
  void Clear() {
    if (terminal_) std::printf("\r\033[K");
  }

  const Options& options_;
  ResultsFile* const results_;
  HistoryFolder* const folder_;
  const bool terminal_ = isatty(STDOUT_FILENO) != 0;
  std::vector<const Workload*> workloads_;
  Shared* shared_ = nullptr;
  absl::Time start_, next_line_;
};

int StressRun::Go(const PlatformFacts& facts) {
  if (results_ != nullptr) Check(results_->WritePlatform(facts));
  LookForMechanisms();
  shared_->begun = true;
  KeepFreedMemory();
  std::printf("%s %s, %s\n", facts.kernel.c_str(), facts.release.c_str(), facts.isolation.c_str());
  std::fflush(stdout);
  start_ = absl::Now(), next_line_ = start_ + kProgressEvery;
  const absl::Time end = start_ + options_.length;
  bool any = true;
  for (int64_t life = 0; any && (life == 0 || absl::Now() < end); ++life) {
    any = false;
    for (size_t i = 0; i < workloads_.size() && (life == 0 || absl::Now() < end); ++i) {
      if (TallyOf(i).over()) continue;
      any = true;
      shared_->living = static_cast<int>(i);
      shared_->took_ns = absl::ToInt64Nanoseconds(absl::Now() - start_);
      Progress();
      LiveOnce(i, SeedOf(options_.seed, i, life));
      if (interrupted != 0) return 128 + interrupted;
    }
  }
  shared_->took_ns = absl::ToInt64Nanoseconds(absl::Now() - start_);
  shared_->ended = true;
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

void StressRun::LiveOnce(size_t i, uint64_t seed) {
  Tally& tally = TallyOf(i);
  const absl::Time before = absl::Now();
  const Life life = Live(*MachineUnderTest().system, *workloads_[i], seed);
  tally.took_ns += absl::ToInt64Nanoseconds(absl::Now() - before);
  ++tally.lives;
  tally.races += life.races;
  tally.calls += life.calls;
  tally.deaths += life.deaths;
  if (absl::IsFailedPrecondition(life.status)) {
    tally.Set(Tally::kUnsupported, std::string(life.status.message()));
  } else if (!life.status.ok() || life.verdict == Verdict::kUndecided) {
    tally.Set(Tally::kUndecided,
              life.status.ok() ? life.story : std::string(life.status.message()));
    const std::string file = SaveHistory(life, Verdict::kUndecided, i);
    if (file.empty()) return;
    Clear();
    std::printf("undecided %s, life %lld: ipcspec explain %s\n", workloads_[i]->id().c_str(),
                static_cast<long long>(tally.lives), file.c_str());
    std::fflush(stdout);
  } else if (life.verdict == Verdict::kForbidden) {
    const std::string detail = Cat(life.story, "\nlife ", tally.lives, " of seed ", options_.seed);
    tally.Set(Tally::kViolates, detail);
    // The line comes first: showing it takes longer.
    WriteLine(i, Cat(detail, "\n\n", ToText(life.counterexample)));
    Show(life, i, detail, SaveHistory(life, life.verdict, i));
  }
}

// Saves the history of a life; the path, empty if it was not.
std::string StressRun::SaveHistory(const Life& life, Verdict verdict, size_t i) {
  if (folder_ == nullptr || shared_->history_lost || life.history.events.empty()) return "";
  absl::StatusOr<std::string> file =
      folder_->Save(Cat(workloads_[i]->id(), "-", options_.seed, "-", TallyOf(i).lives), verdict,
                    ToText(life.history));
  if (file.ok()) return *std::move(file);
  shared_->history_lost = true;
  Clear();
  std::fprintf(stderr, "ipcspec: %s; no more are saved\n",
               std::string(file.status().message()).c_str());
  return "";
}

// Shows what a life violates: the story, lanes, and the calls themselves if they are few.
void StressRun::Show(const Life& life, size_t i, const std::string& detail,
                     const std::string& file) {
  Say(i, detail);
  const std::string lanes = DrawExcerpt(life.counterexample, life.blame, TerminalWidth() - 4);
  if (!lanes.empty()) PrintIndented(lanes);
  const int calls = CallsIn(life.counterexample);
  if (calls <= kMostPrinted) {
    PrintIndented(ToText(life.counterexample));
  } else if (file.empty()) {
    std::printf("    %d calls are too many to print: --histories=DIR saves them%s\n", calls,
                results_ != nullptr ? ", and the results have them" : "");
  }
  if (!file.empty()) std::printf("    ipcspec explain %s\n", file.c_str());
  std::fflush(stdout);
}

void StressRun::Say(size_t i, const std::string& detail) {
  Clear();
  std::printf("%s %s: %s\n", TallyOf(i).verdict(), workloads_[i]->id().c_str(),
              workloads_[i]->about.c_str());
  PrintIndented(detail);
}

void StressRun::Check(const absl::Status& written) {
  if (written.ok()) return;
  shared_->results_lost = true;
  Clear();
  std::fprintf(stderr, "ipcspec: %s\n", std::string(written.message()).c_str());
}

void StressRun::WriteLine(size_t i, const std::string& detail) {
  Tally& tally = TallyOf(i);
  if (results_ == nullptr || shared_->results_lost || tally.written) return;
  const std::string name = Cat("stress.", workloads_[i]->id());
  Check(results_->WriteTest({.test = name,
                             .mechanism = workloads_[i]->mechanism,
                             .clauses = {name},
                             .verdict = tally.verdict(),
                             .ms = tally.took_ns / 1'000'000,
                             .detail = detail}));
  tally.written = !shared_->results_lost;
}

void StressRun::Progress() {
  const absl::Time now = absl::Now();
  if (!terminal_ && now < next_line_) return;
  next_line_ = now + kProgressEvery;
  int64_t calls = 0, deaths = 0, lives = 0;
  for (size_t i = 0; i < workloads_.size(); ++i) {
    calls += TallyOf(i).calls, deaths += TallyOf(i).deaths, lives += TallyOf(i).lives;
  }
  const double seconds = absl::ToDoubleSeconds(now - start_);
  Clear();
  std::printf(
      "[%.0f s of %.0f s] %lld calls, %.0f a second; %lld tasks died; %lld lives explained; now %s",
      seconds, absl::ToDoubleSeconds(options_.length), static_cast<long long>(calls),
      static_cast<double>(calls) / std::max(seconds, 1e-3), static_cast<long long>(deaths),
      static_cast<long long>(lives),
      workloads_[static_cast<size_t>(shared_->living)]->id().c_str());
  if (!terminal_) std::printf("\n");
  std::fflush(stdout);
}

// The table and the results of what lived; the exit status of that.
int StressRun::Table() {
  Clear();
  for (size_t i = 0; i < workloads_.size(); ++i) {
    const Tally::State state = TallyOf(i).state;
    if (state == Tally::kUndecided || state == Tally::kUnsupported) Say(i, TallyOf(i).detail);
  }
  std::printf("\n%-32s %-11s %8s %9s %8s %9s\n", "workload", "verdict", "races", "calls", "deaths",
              "seconds");
  std::map<std::string, int> totals = {
      {"conforms", 0}, {"violates", 0}, {"unsupported", 0}, {"undecided", 0}};
  int64_t calls = 0;
  int not_reached = 0;
  for (size_t i = 0; i < workloads_.size(); ++i) {
    const Tally& tally = TallyOf(i);
    if (tally.lives == 0 && tally.state != Tally::kUnsupported) {
      ++not_reached;
      continue;
    }
    ++totals[tally.verdict()];
    calls += tally.calls;
    std::printf("%-32s %-11s %8lld %9lld %8lld %9.1f\n", workloads_[i]->id().c_str(),
                tally.verdict(), static_cast<long long>(tally.races),
                static_cast<long long>(tally.calls), static_cast<long long>(tally.deaths),
                static_cast<double>(tally.took_ns) / 1e9);
    WriteLine(i, tally.detail[0] != '\0' ? tally.detail
                                         : Cat(tally.races, " races, ", tally.calls, " calls, ",
                                               tally.deaths, " deaths"));
  }
  if (not_reached > 0) std::printf("%d workloads were not reached\n", not_reached);
  std::printf("%d conform, %d violate, %d unsupported, %d undecided; %lld calls in %.1f s\n",
              totals["conforms"], totals["violates"], totals["unsupported"], totals["undecided"],
              static_cast<long long>(calls), static_cast<double>(shared_->took_ns) / 1e9);
  if (results_ != nullptr && !shared_->results_lost) {
    Check(results_->WriteTotals(totals, shared_->took_ns / 1'000'000));
  }
  if (totals["violates"] > 0) return kViolation;
  return totals["undecided"] > 0 || shared_->results_lost || shared_->history_lost ? kUndecided
                                                                                   : kConforms;
}

int StressRun::Finish(int status) {
  if (!shared_->begun) return status;
  if (!shared_->ended && !workloads_.empty()) {
    Clear();
    std::printf("the run ended early, while %s lived\n",
                workloads_[static_cast<size_t>(shared_->living)]->id().c_str());
  }
  const int verdict = Table();
  // A run that was cut short shows what it found, and nothing else.
  return shared_->ended || verdict == kViolation ? verdict : status;
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
  if (!run.has_memory()) {
    std::fprintf(stderr, "ipcspec: no shared memory for the figures of the run\n");
    return kUndecided;
  }
  if (options.on_reference) {
    // No process of its own that can be ended at once: it ends after the life that it is in.
    std::signal(SIGINT, [](int signal) { interrupted = signal; });
    std::signal(SIGTERM, [](int signal) { interrupted = signal; });
  }
  return run.Finish(WithSystem(options, [&](const PlatformFacts& facts) { return run.Go(facts); }));
}

}  // namespace ipcspec
