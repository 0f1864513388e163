#include "conformance/check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "conformance/clause.h"
#include "conformance/observe.h"
#include "impl/call/cat.h"

namespace ipcspec {
namespace {

std::string_view VerdictOf(ClauseTest::State state) {
  switch (state) {
    case ClauseTest::State::kConforms:
      return "conforms";
    case ClauseTest::State::kUnsupported:
      return "unsupported";
    case ClauseTest::State::kUndecided:
      return "undecided";
    case ClauseTest::State::kViolates:
      return "violates";
  }
  return "undecided";
}

// Takes the place of GoogleTest's printer.
class Listener : public testing::EmptyTestEventListener {
 public:
  using Ended = absl::FunctionRef<void(const ClauseOutcome&, int, int)>;
  Listener(Ended ended, int total) : ended_(ended), total_(total) {}

 private:
  void OnTestStart(const testing::TestInfo&) override {
    failures_.clear();
    start_ = absl::Now();
  }
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (!result.failed()) return;
    // GoogleTest puts a line before what ADD_FAILURE says.
    std::string_view message = result.message();
    if (message.starts_with("Failed\n")) message.remove_prefix(7);
    while (message.ends_with('\n')) message.remove_suffix(1);
    Append(&failures_, failures_.empty() ? "" : "\n", message);
  }
  void OnTestEnd(const testing::TestInfo& info) override {
    ClauseOutcome outcome{.test = Cat(info.test_suite_name(), ".", info.name()),
                          .mechanism = info.test_suite_name(),
                          .verdict = std::string(VerdictOf(ClauseTest::last_state())),
                          .detail = failures_,
                          .ms = absl::ToDoubleMilliseconds(absl::Now() - start_)};
    // The story is told by the failures; the program that shows it comes after.
    const std::string& detail = ClauseTest::last_detail();
    if (!detail.empty()) Append(&outcome.detail, failures_.empty() ? "" : "\n\n", detail);
    if (outcome.mechanism.starts_with(kObserveSuite)) {
      outcome.mechanism.erase(0, kObserveSuite.size());
      if (outcome.verdict == "conforms") {
        outcome.verdict = "observed";
        outcome.test = Cat(outcome.mechanism, ".", info.name());
        outcome.value = ObservationTest::last_value();
      }
    }
    ended_(outcome, ++done_, total_);
  }

  Ended ended_;
  int total_;
  int done_ = 0;
  std::string failures_;
  absl::Time start_;
};

}  // namespace

std::vector<std::string> Mechanisms() {
  std::vector<std::string> mechanisms;
  for (const ClauseInfo& clause : AllClauses()) {
    if (std::find(mechanisms.begin(), mechanisms.end(), clause.mechanism) == mechanisms.end()) {
      mechanisms.push_back(clause.mechanism);
    }
  }
  return mechanisms;
}

void RunClauses(const std::vector<std::string>& mechanisms, const std::string& only,
                absl::FunctionRef<void(const ClauseOutcome&, int, int)> ended) {
  std::string filter;
  int total = 0;
  const auto add = [&](const std::string& mechanism, const std::string& test) {
    const bool wanted = mechanisms.empty() || std::find(mechanisms.begin(), mechanisms.end(),
                                                        mechanism) != mechanisms.end();
    if (!wanted || !absl::StrContains(test, only)) return;
    Append(&filter, test, ":");
    ++total;
  };
  for (const ClauseInfo& clause : AllClauses()) add(clause.mechanism, clause.id());
  for (const ObservationInfo& o : AllObservations()) add(o.mechanism, Cat(kObserveSuite, o.id()));
  if (total == 0) return;
  int argc = 1;
  char name[] = "ipcspec";
  char* argv[] = {name, nullptr};
  testing::InitGoogleTest(&argc, argv);
  testing::GTEST_FLAG(filter) = filter;
  testing::GTEST_FLAG(catch_exceptions) = true;
  testing::TestEventListeners& listeners = testing::UnitTest::GetInstance()->listeners();
  delete listeners.Release(listeners.default_result_printer());
  auto* listener = new Listener(ended, total);
  listeners.Append(listener);
  // What each clause came to is told by the listener.
  [[maybe_unused]] const int ignored = RUN_ALL_TESTS();
  delete listeners.Release(listener);
}

}  // namespace ipcspec
