#include "conformance/observe.h"

#include <utility>

#include "absl/strings/str_format.h"
#include "impl/call/cat.h"
#include "impl/call/text.h"

namespace ipcspec {
namespace {

std::vector<ObservationInfo>& Observations() {
  static auto* observations = new std::vector<ObservationInfo>;
  return *observations;
}

std::string& ValueOfLast() {
  static auto* value = new std::string;
  return *value;
}

}  // namespace

const std::vector<ObservationInfo>& AllObservations() { return Observations(); }
const std::string& ObservationTest::last_value() { return ValueOfLast(); }

void ObservationTest::Body() {
  ValueOfLast().clear();
  ValueOfLast() = Observe();
}

int RegisterObservation(ObservationInfo info, testing::Test* (*make)(), const char* file,
                        int line) {
  info.mechanism = SnakeCase(info.mechanism);
  testing::RegisterTest(Cat(kObserveSuite, info.mechanism).c_str(), info.name.c_str(), nullptr,
                        nullptr, file, line,
                        [make]() -> ClauseTest* { return static_cast<ClauseTest*>(make()); });
  Observations().push_back(std::move(info));
  return 0;
}

std::string Told(const Outcome& outcome) {
  return outcome.ok() ? Cat(outcome.ret) : ToText(Fails(outcome.error));
}

std::string ToldAll(const std::vector<int64_t>& numbers) {
  std::string text;
  for (const int64_t number : numbers) Append(&text, text.empty() ? "" : " ", number);
  return text;
}

std::string WakeOrder(TaskHandle& a, const Call& sleeps, int count,
                      absl::FunctionRef<void()> wake) {
  std::vector<Pending> asleep;
  std::vector<int64_t> order;
  std::vector<bool> told(count);
  for (int i = 0; i < count; ++i) asleep.push_back(a.Fork().Begin(sleeps));
  for (int round = 0; round < count; ++round) {
    wake();
    for (int i = 0; i < count; ++i) {
      if (told[i] || asleep[i].asleep()) continue;
      told[i] = true;
      order.push_back(i + 1);
    }
  }
  return ToldAll(order);
}

std::string UntilItFails(TaskHandle& a, const Call& call) {
  constexpr int kEnough = 10000;
  int64_t sum = 0;
  int times = 0;
  Outcome outcome = a.Do(call);
  for (; outcome.ok() && times < kEnough; ++times) {
    sum += outcome.ret;
    outcome = a.Do(call);
  }
  return Cat(times, " times, ", sum, ", ", Told(outcome));
}

std::string ToldMode(const Outcome& outcome, size_t field) {
  if (!outcome.ok() || field >= outcome.values.size()) return ToldValue(outcome, field);
  return absl::StrFormat("%o", outcome.values[field]);
}

std::string ToldValue(const Outcome& outcome, size_t field) {
  if (!outcome.ok()) return Told(outcome);
  return field < outcome.values.size() ? Cat(outcome.values[field]) : "none";
}

}  // namespace ipcspec
