#include "conformance/observe.h"

#include <utility>

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

std::string Told(const std::vector<int64_t>& numbers) {
  std::string text;
  for (const int64_t number : numbers) Append(&text, text.empty() ? "" : " ", number);
  return text;
}

std::string ToldValue(const Outcome& outcome, size_t field) {
  if (!outcome.ok()) return Told(outcome);
  return field < outcome.values.size() ? Cat(outcome.values[field]) : "none";
}

}  // namespace ipcspec
