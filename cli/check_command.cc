// ipcspec check and ipcspec list.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "cli/commands.h"
#include "cli/under_test.h"
#include "conformance/check.h"
#include "conformance/clause.h"
#include "conformance/observe.h"
#include "impl/call/cat.h"
#include "report/results.h"

namespace ipcspec {
namespace {

using Counts = std::map<std::string, int>;  // by verdict

constexpr const char* kVerdicts[] = {"conforms", "violates", "unsupported", "undecided"};

// What a person sees while the check runs, and at its end.
class Screen {
 public:
  Screen() : terminal_(isatty(STDOUT_FILENO) != 0) {}

  void Progress(const ClauseOutcome& outcome, int done, int total) {
    if (outcome.verdict == "observed") {
      observed_.emplace_back(outcome.test, outcome.value);
    } else {
      ++counts_[outcome.mechanism][outcome.verdict];
    }
    ms_[outcome.mechanism] += outcome.ms;
    if (terminal_) std::printf("\r\033[K");
    if (outcome.verdict == "violates" || outcome.verdict == "undecided") {
      std::printf("%s %s\n", outcome.verdict.c_str(), outcome.test.c_str());
      for (absl::string_view line : absl::StrSplit(outcome.detail, '\n')) {
        std::printf("    %.*s\n", static_cast<int>(line.size()), line.data());
      }
    } else if (outcome.verdict == "unsupported") {
      std::printf("unsupported %s: %s\n", outcome.test.c_str(), outcome.detail.c_str());
    }
    if (terminal_) std::printf("[%d/%d] %s", done, total, outcome.test.c_str());
    std::fflush(stdout);
  }

  void Table() {
    if (terminal_) std::printf("\r\033[K");
    std::printf("\n%-12s %9s %9s %12s %10s %9s\n", "mechanism", "conforms", "violates",
                "unsupported", "undecided", "seconds");
    for (const auto& [mechanism, counts] : counts_) {
      std::printf("%-12s", mechanism.c_str());
      for (const char* verdict : kVerdicts) {
        const auto it = counts.find(verdict);
        const int width = std::string_view(verdict) == "unsupported" ? 12 : 9;
        std::printf(" %*d", std::string_view(verdict) == "undecided" ? 10 : width,
                    it == counts.end() ? 0 : it->second);
      }
      std::printf(" %9.1f\n", ms_[mechanism] / 1000);
    }
  }

  void Observations(bool wanted) {
    if (observed_.empty()) return;
    std::printf("%s%d observations%s\n", wanted ? "\n" : "", static_cast<int>(observed_.size()),
                wanted ? ", of what no document promises:" : "");
    if (!wanted) return;
    for (const auto& [observation, value] : observed_) {
      std::printf("%-44s %s\n", observation.c_str(), value.c_str());
    }
  }

  Counts Totals() const {
    Counts totals;
    for (const char* verdict : kVerdicts) totals[verdict] = 0;
    for (const auto& [mechanism, counts] : counts_) {
      for (const auto& [verdict, count] : counts) totals[verdict] += count;
    }
    return totals;
  }

 private:
  bool terminal_;
  std::map<std::string, Counts> counts_;  // by mechanism
  std::map<std::string, double> ms_;
  std::vector<std::pair<std::string, std::string>> observed_;
};

int RunCheck(const Options& options, const PlatformFacts& facts, ResultsFile* results) {
  const absl::Time start = absl::Now();
  std::printf("%s %s, %s\n", facts.kernel.c_str(), facts.release.c_str(), facts.isolation.c_str());
  absl::Status written = results != nullptr ? results->WritePlatform(facts) : absl::OkStatus();
  Screen screen;
  RunClauses(options.mechanisms, options.only,
             [&](const ClauseOutcome& outcome, int done, int total) {
               screen.Progress(outcome, done, total);
               if (results == nullptr || !written.ok()) return;
               if (outcome.verdict == "observed") {
                 written = results->WriteObserved({.observation = outcome.test,
                                                   .mechanism = outcome.mechanism,
                                                   .value = outcome.value,
                                                   .ms = static_cast<int64_t>(outcome.ms)});
                 return;
               }
               written = results->WriteTest({.test = outcome.test,
                                             .mechanism = outcome.mechanism,
                                             .clauses = {outcome.test},
                                             .verdict = outcome.verdict,
                                             .ms = static_cast<int64_t>(outcome.ms),
                                             .detail = outcome.detail});
             });
  screen.Table();
  screen.Observations(options.observations);
  const Counts totals = screen.Totals();
  const absl::Duration took = absl::Now() - start;
  std::printf("%d conform, %d violate, %d unsupported, %d undecided in %.1f s\n",
              totals.at("conforms"), totals.at("violates"), totals.at("unsupported"),
              totals.at("undecided"), absl::ToDoubleSeconds(took));
  if (results != nullptr && written.ok()) {
    written = results->WriteTotals(totals, absl::ToInt64Milliseconds(took));
  }
  if (!written.ok()) {
    std::fprintf(stderr, "ipcspec: %s\n", std::string(written.message()).c_str());
  }
  if (totals.at("violates") > 0) return kViolation;
  if (totals.at("undecided") > 0 || !written.ok()) return kUndecided;
  return kConforms;
}

}  // namespace

int Check(const Options& options) {
  std::unique_ptr<ResultsFile> results;
  if (!options.results.empty()) {
    absl::StatusOr<std::unique_ptr<ResultsFile>> file = ResultsFile::Create(options.results);
    if (!file.ok()) {
      std::fprintf(stderr, "ipcspec: %s\n", std::string(file.status().message()).c_str());
      return kWrongUse;
    }
    results = *std::move(file);
  }
  const int status = WithSystem(
      options, [&](const PlatformFacts& facts) { return RunCheck(options, facts, results.get()); });
  SayHowItEnded(status);
  return status;
}

int List(const Options& options) {
  const auto wanted = [&options](const std::string& mechanism, const std::string& id) {
    return (options.mechanisms.empty() ||
            std::find(options.mechanisms.begin(), options.mechanisms.end(), mechanism) !=
                options.mechanisms.end()) &&
           id.find(options.only) != std::string::npos;
  };
  const auto print = [](const std::string& id, const std::string& source, const std::string& what) {
    std::printf("%-44s %-20s %s\n", id.c_str(), source.c_str(), what.c_str());
  };
  int clauses = 0, observations = 0;
  for (const ClauseInfo& clause : AllClauses()) {
    if (!wanted(clause.mechanism, clause.id())) continue;
    ++clauses;
    print(clause.id(), clause.source, clause.statement);
  }
  for (const ObservationInfo& o : AllObservations()) {
    if (!wanted(o.mechanism, Cat(kObserveSuite, o.id()))) continue;
    ++observations;
    print(Cat(kObserveSuite, o.id()), o.source, Cat("observed: ", o.looked_at));
  }
  int provoked = 0, excused = 0;
  for (const ErrnoRow& row : AllErrnoRows()) {
    ++(row.excuse.empty() ? provoked : excused);
  }
  std::printf("%d clauses; %d documented errors provoked, %d excused; %d observations\n", clauses,
              provoked, excused, observations);
  return kConforms;
}

}  // namespace ipcspec
