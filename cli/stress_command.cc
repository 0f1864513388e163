// ipcspec stress: workloads race on the system, life after life, until the time is over.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "cli/commands.h"
#include "cli/under_test.h"
#include "conformance/machine_under_test.h"
#include "impl/call/cat.h"
#include "report/results.h"
#include "stress/life.h"
#include "stress/workload.h"

namespace ipcspec {
namespace {

// What became of one workload so far.
struct Tally {
  const Workload* workload;
  std::string verdict = "conforms";
  std::string detail;
  int64_t lives = 0, races = 0, calls = 0, deaths = 0;
  absl::Duration took;
  // Nothing more is to be learnt from it.
  bool over() const { return verdict == "violates" || verdict == "unsupported"; }
};

// Each life's choices come from the seed of the run, the workload and its number.
uint64_t SeedOf(uint64_t run, size_t workload, int64_t life) {
  Dice dice(run * 1'000'003 + static_cast<uint64_t>(life) * 1009 + workload);
  return dice.Next();
}

class StressRun {
 public:
  StressRun(const Options& options, ResultsFile* results) : options_(options), results_(results) {
    for (const Workload& workload : AllWorkloads()) {
      const bool wanted = options.mechanisms.empty() ||
                          std::find(options.mechanisms.begin(), options.mechanisms.end(),
                                    workload.mechanism) != options.mechanisms.end();
      if (wanted && workload.id().find(options.only) != std::string::npos) {
        tallies_.push_back({.workload = &workload});
        std::vector<std::string> needs = workload.also;
        needs.push_back(workload.mechanism);
        for (const std::string& mechanism : needs) {
          if (WhyNot(mechanism).empty()) continue;
          tallies_.back().verdict = "unsupported";
          tallies_.back().detail = WhyNot(mechanism);
        }
      }
    }
  }

  int Go(const PlatformFacts& facts) {
    std::printf("%s %s, %s\n", facts.kernel.c_str(), facts.release.c_str(),
                facts.isolation.c_str());
    if (results_ != nullptr) written_ = results_->WritePlatform(facts);
    const absl::Time start = absl::Now(), end = start + options_.length;
    bool any = true;
    for (int64_t life = 0; any && (life == 0 || absl::Now() < end); ++life) {
      any = false;
      for (size_t i = 0; i < tallies_.size() && (life == 0 || absl::Now() < end); ++i) {
        if (tallies_[i].over()) continue;
        any = true;
        LiveOnce(tallies_[i], SeedOf(options_.seed, i, life));
        Progress(absl::Now() - start, tallies_[i]);
      }
    }
    return Finish(absl::Now() - start);
  }

 private:
  void LiveOnce(Tally& tally, uint64_t seed) {
    const absl::Time before = absl::Now();
    const Life life = Live(*MachineUnderTest().system, *tally.workload, seed);
    tally.took += absl::Now() - before;
    ++tally.lives;
    tally.races += life.races;
    tally.calls += life.calls;
    tally.deaths += life.deaths;
    if (absl::IsFailedPrecondition(life.status)) {
      tally.verdict = "unsupported";
      tally.detail = std::string(life.status.message());
    } else if (!life.status.ok() || life.verdict == Verdict::kUndecided) {
      tally.verdict = "undecided";
      tally.detail = life.status.ok() ? life.story : std::string(life.status.message());
    } else if (life.verdict == Verdict::kForbidden) {
      tally.verdict = "violates";
      tally.detail = Cat(life.story, "\n\nlife ", tally.lives, " of seed ", options_.seed, "\n\n",
                         ToText(life.history));
      Say(tally);
    }
  }

  void Clear() {
    if (terminal_) std::printf("\r\033[K");
  }

  void Say(const Tally& tally) {
    Clear();
    std::printf("%s %s: %s\n", tally.verdict.c_str(), tally.workload->id().c_str(),
                tally.workload->about.c_str());
    for (absl::string_view line : absl::StrSplit(tally.detail, '\n')) {
      std::printf("    %.*s\n", static_cast<int>(line.size()), line.data());
    }
    std::fflush(stdout);
  }

  void Progress(absl::Duration so_far, const Tally& now) {
    if (!terminal_) return;
    int64_t calls = 0, deaths = 0, lives = 0;
    for (const Tally& tally : tallies_) {
      calls += tally.calls, deaths += tally.deaths, lives += tally.lives;
    }
    const double seconds = absl::ToDoubleSeconds(so_far);
    Clear();
    std::printf(
        "[%.0f s of %.0f s] %lld calls, %.0f a second; %lld tasks died; %lld lives explained"
        "; %s",
        seconds, absl::ToDoubleSeconds(options_.length), static_cast<long long>(calls),
        static_cast<double>(calls) / seconds, static_cast<long long>(deaths),
        static_cast<long long>(lives), now.workload->id().c_str());
    std::fflush(stdout);
  }

  int Finish(absl::Duration took) {
    Clear();
    std::printf("\n%-28s %-11s %8s %9s %8s %9s\n", "workload", "verdict", "races", "calls",
                "deaths", "seconds");
    std::map<std::string, int> totals = {
        {"conforms", 0}, {"violates", 0}, {"unsupported", 0}, {"undecided", 0}};
    int64_t calls = 0;
    for (const Tally& tally : tallies_) {
      if (tally.verdict == "undecided" || tally.verdict == "unsupported") Say(tally);
    }
    for (const Tally& tally : tallies_) {
      ++totals[tally.verdict];
      calls += tally.calls;
      std::printf("%-28s %-11s %8lld %9lld %8lld %9.1f\n", tally.workload->id().c_str(),
                  tally.verdict.c_str(), static_cast<long long>(tally.races),
                  static_cast<long long>(tally.calls), static_cast<long long>(tally.deaths),
                  absl::ToDoubleSeconds(tally.took));
      if (results_ == nullptr || !written_.ok()) continue;
      const std::string name = Cat("stress.", tally.workload->id());
      const std::string did =
          Cat(tally.races, " races, ", tally.calls, " calls, ", tally.deaths, " deaths");
      written_ = results_->WriteTest({.test = name,
                                      .mechanism = tally.workload->mechanism,
                                      .clauses = {name},
                                      .verdict = tally.verdict,
                                      .ms = absl::ToInt64Milliseconds(tally.took),
                                      .detail = tally.detail.empty() ? did : tally.detail});
    }
    std::printf("%d conform, %d violate, %d unsupported, %d undecided; %lld calls in %.1f s\n",
                totals["conforms"], totals["violates"], totals["unsupported"], totals["undecided"],
                static_cast<long long>(calls), absl::ToDoubleSeconds(took));
    if (results_ != nullptr && written_.ok()) {
      written_ = results_->WriteTotals(totals, absl::ToInt64Milliseconds(took));
    }
    if (!written_.ok()) {
      std::fprintf(stderr, "ipcspec: %s\n", std::string(written_.message()).c_str());
    }
    if (totals["violates"] > 0) return kViolation;
    if (totals["undecided"] > 0 || !written_.ok()) return kUndecided;
    return kConforms;
  }

  const Options& options_;
  ResultsFile* const results_;
  const bool terminal_ = isatty(STDOUT_FILENO) != 0;
  std::vector<Tally> tallies_;
  absl::Status written_;
};

}  // namespace

int Stress(const Options& options) {
  std::unique_ptr<ResultsFile> results;
  if (!options.results.empty()) {
    absl::StatusOr<std::unique_ptr<ResultsFile>> file = ResultsFile::Create(options.results);
    if (!file.ok()) {
      std::fprintf(stderr, "ipcspec: %s\n", std::string(file.status().message()).c_str());
      return kWrongUse;
    }
    results = *std::move(file);
  }
  return WithSystem(options, [&](const PlatformFacts& facts) {
    return StressRun(options, results.get()).Go(facts);
  });
}

}  // namespace ipcspec
