#include "conformance/clause.h"

#include <optional>

#include "absl/strings/ascii.h"
#include "impl/call/cat.h"
#include "impl/call/check.h"
#include "impl/call/text.h"

namespace ipcspec {
namespace {

std::optional<UnderTest>& UnderTestSlot() {
  static auto* slot = new std::optional<UnderTest>;
  return *slot;
}

std::vector<ClauseInfo>& Clauses() {
  static auto* clauses = new std::vector<ClauseInfo>;
  return *clauses;
}

std::vector<ErrnoRow>& Rows() {
  static auto* rows = new std::vector<ErrnoRow>;
  return *rows;
}

ClauseTest::State state_of_last = ClauseTest::State::kConforms;
std::string* DetailOfLast() {
  static auto* detail = new std::string;
  return detail;
}

// Why the session cannot go on, as the end of the clause.
[[noreturn]] void EndAsSession(const Session& session) {
  if (!session.status().ok()) {
    throw ClauseEnds{ClauseEnds::kUndecided, std::string(session.status().message())};
  }
  if (session.verdict() == Verdict::kUndecided) {
    throw ClauseEnds{ClauseEnds::kUndecided, session.story()};
  }
  throw ClauseEnds{ClauseEnds::kViolates, session.story()};
}

bool GaveErrno(const History& history, const std::string& error) {
  for (const Event& event : history.events) {
    if (event.kind == Event::Kind::kReturn && !event.outcome.ok() &&
        ToText(Fails(event.outcome.error)) == error) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::string SnakeCase(std::string_view name) {
  std::string out;
  for (char c : name) {
    if (absl::ascii_isupper(c) && !out.empty()) out += '_';
    out += absl::ascii_tolower(c);
  }
  return out;
}

const std::string& WhyNot(std::string_view mechanism) {
  static const std::string kNothing;
  const UnderTest& machine = MachineUnderTest();
  constexpr std::string_view kObserved = "observe_";  // observe.h
  if (mechanism.starts_with(kObserved)) mechanism.remove_prefix(kObserved.size());
  if (mechanism.starts_with("sysv_")) return machine.no_sysv_ipc;
  if (mechanism == "posix_mq") return machine.no_posix_mq;
  if (mechanism == "posix_shm") return machine.no_posix_shm;
  return kNothing;
}

UnderTest& MachineUnderTest() {
  IPCSPEC_CHECK(UnderTestSlot().has_value(), "no system to test");
  return *UnderTestSlot();
}
void SetMachineUnderTest(UnderTest under_test) { UnderTestSlot() = std::move(under_test); }

const std::vector<ClauseInfo>& AllClauses() { return Clauses(); }
const std::vector<ErrnoRow>& AllErrnoRows() { return Rows(); }

int RegisterClause(ClauseInfo info, testing::Test* (*make)(), const char* file, int line) {
  info.mechanism = SnakeCase(info.mechanism);
  testing::RegisterTest(info.mechanism.c_str(), info.name.c_str(), nullptr, nullptr, file, line,
                        [make]() -> ClauseTest* { return static_cast<ClauseTest*>(make()); });
  Clauses().push_back(std::move(info));
  return 0;
}

int RegisterErrnoRow(ErrnoRow row) {
  const size_t dot = row.clause.find('.');
  if (dot != std::string::npos) {
    row.clause = SnakeCase(row.clause.substr(0, dot)) + row.clause.substr(dot);
  }
  Rows().push_back(std::move(row));
  return 0;
}

ClauseTest::State ClauseTest::last_state() { return state_of_last; }
const std::string& ClauseTest::last_detail() { return *DetailOfLast(); }

void ClauseTest::TestBody() {
  state_of_last = State::kConforms;
  DetailOfLast()->clear();
  const testing::TestInfo* info = testing::UnitTest::GetInstance()->current_test_info();
  try {
    const std::string& missing = WhyNot(info->test_suite_name());
    Requires(missing.empty(), missing);
    session_ = std::make_unique<Session>(*MachineUnderTest().system);
    a = TaskHandle(session_.get(), 0);
    if (session_->ended()) EndAsSession(*session_);
    Body();
    if (session_->ended()) EndAsSession(*session_);
    for (const ErrnoRow& row : Rows()) {
      if (row.clause == Cat(info->test_suite_name(), ".", info->name())) {
        EXPECT_TRUE(GaveErrno(session_->history(), row.error))
            << "no call gave " << row.error << " (" << row.calls << ": " << row.condition << ")";
      }
    }
  } catch (const ClauseEnds& end) {
    if (end.why != ClauseEnds::kViolates) *DetailOfLast() = end.reason;
    switch (end.why) {
      case ClauseEnds::kUnsupported:
        state_of_last = State::kUnsupported;
        GTEST_SKIP() << end.reason;
      case ClauseEnds::kUndecided:
        state_of_last = State::kUndecided;
        GTEST_SKIP() << "undecided: " << end.reason;
      case ClauseEnds::kViolates:
        ADD_FAILURE() << end.reason;
    }
  }
  if (HasFailure()) {
    state_of_last = State::kViolates;
    if (session_ != nullptr && !session_->program().steps.empty()) {
      *DetailOfLast() = ToText(ToProgram(session_->history()));
    }
  }
}

void ClauseTest::Requires(bool condition, std::string_view why_not) {
  if (!condition) throw ClauseEnds{ClauseEnds::kUnsupported, std::string(why_not)};
}

void ClauseTest::RequiresOtherUsers() {
  Requires(MachineUnderTest().other_users, "tasks of this run cannot become another user");
}

Outcome Pending::Finish() const {
  const Outcome* outcome = session_->OutcomeOf(label_);
  if (outcome != nullptr) return *outcome;
  if (session_->ended()) EndAsSession(*session_);
  throw ClauseEnds{ClauseEnds::kViolates,
                   Cat("step ", label_, " has not returned:\n", ToText(session_->history()))};
}

Pending TaskHandle::Begin(Call call) {
  const std::string text = ToText(call);
  const int label = session_->Run(task_, std::move(call));
  if (label == 0) {
    if (session_->ended()) EndAsSession(*session_);
    throw ClauseEnds{ClauseEnds::kViolates, Cat("t", task_, " is in a call or gone, and cannot ",
                                                text, ":\n", ToText(session_->history()))};
  }
  return Pending(session_, label);
}

Outcome TaskHandle::Do(Call call) {
  const bool ends_by_itself = TimeoutOf(call).ns != Nanos::kForever;
  const Pending pending = Begin(std::move(call));
  // Also a deadline that has passed is slept on, until the kernel's timer says so.
  if (ends_by_itself && pending.asleep()) AwaitReturn();
  return pending.Finish();
}

void TaskHandle::AwaitReturn() { session_->Run(task_, Await{}); }

int64_t TaskHandle::Must(Call call) {
  const std::string text = ToText(call);
  const Outcome outcome = Do(std::move(call));
  if (!outcome.ok()) {
    throw ClauseEnds{ClauseEnds::kViolates, Cat(text, " gave ", ToText(outcome))};
  }
  return outcome.ret;
}

TaskHandle TaskHandle::Fork() {
  return TaskHandle(session_, static_cast<int>(Must(ipcspec::Fork{})));
}

TaskHandle TaskHandle::Clone(CloneFlags flags) {
  return TaskHandle(session_, static_cast<int>(Must(ipcspec::Clone{.flags = flags})));
}

PipeEnds TaskHandle::Pipe(OpenFlags flags) {
  const Outcome outcome = Do(MakePipe{.flags = flags});
  if (!outcome.ok()) {
    throw ClauseEnds{ClauseEnds::kViolates, Cat("pipe2 gave ", ToText(outcome))};
  }
  return {.read = outcome.values[0], .write = outcome.values[1]};
}

SemId TaskHandle::MakeSemSet(const std::vector<int64_t>& values, int64_t mode) {
  const SemId id =
      Must(Semget{.nsems = static_cast<int64_t>(values.size()), .flags = IpcFlags(mode)});
  Must(SemSetAll{.id = id, .all = values});
  return id;
}

testing::Matcher<const Outcome&> Gives(int64_t ret) {
  return testing::AllOf(testing::Field("error", &Outcome::error, 0),
                        testing::Field("ret", &Outcome::ret, ret));
}
testing::Matcher<const Outcome&> Gives(int64_t ret, std::string data) {
  return testing::AllOf(Gives(ret), testing::Field("data", &Outcome::data, std::move(data)));
}
testing::Matcher<const Outcome&> GivesValues(std::vector<int64_t> values) {
  return testing::AllOf(
      testing::Field("error", &Outcome::error, 0),
      testing::Field("values", &Outcome::values, testing::ElementsAreArray(std::move(values))));
}
testing::Matcher<const Outcome&> FailsWith(int error) {
  return testing::Field("error", &Outcome::error, error);
}

}  // namespace ipcspec
