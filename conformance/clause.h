// CLAUSE: one documented statement, with the test that holds a system to it.
//
//   CLAUSE(Pipe, ReadWaitsForData, "pipe(7)", "Reading an empty pipe waits until data arrives") {
//     const auto [r, w] = a.Pipe();
//     TaskHandle b = a.Fork();
//     Pending read = b.Begin(Read{.fd = r, .count = 10});
//     EXPECT_THAT(read, IsAsleep());
//     EXPECT_THAT(a.Do(Write{.fd = w, .data = "x"}), Gives(1));
//     EXPECT_THAT(read.Finish(), Gives(1, "x"));
//   }
//
// The body makes calls through task handles; `a` is the first task. Each call is also judged by
// the oracle, so what the body does not assert is checked all the same: what it asserts says what
// the clause is about. A clause runs unchanged on every system. The statement is in our own words.
#ifndef IPCSPEC_CONFORMANCE_CLAUSE_H_
#define IPCSPEC_CONFORMANCE_CLAUSE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "conformance/machine_under_test.h"
#include "impl/call/call.h"
#include "impl/call/text.h"
#include "platforms/session.h"

namespace ipcspec {

class TaskHandle;

// A call that was made and need not have returned.
class Pending {
 public:
  Pending(Session* session, int label) : session_(session), label_(label) {}
  bool asleep() const { return session_->IsAsleep(label_); }
  // What it returned; ends the test when it has not.
  Outcome Finish() const;
  int label() const { return label_; }

 private:
  Session* session_;
  int label_;
};

struct PipeEnds {
  Fd read;
  Fd write;
};

// A task that makes calls.
class TaskHandle {
 public:
  TaskHandle(Session* session, int task) : session_(session), task_(task) {}
  int task() const { return task_; }

  // Makes a call that returns at once; ends the test when it sleeps.
  Outcome Do(Call call);
  // Makes a call that may sleep.
  Pending Begin(Call call);
  // Lets time pass until the call that the task is in has returned.
  void AwaitReturn();

  // Calls that must succeed for the test to make sense, and what they give.
  TaskHandle Fork();
  TaskHandle Clone(CloneFlags flags);
  PipeEnds Pipe(OpenFlags flags = 0);
  // A new set under IPC_PRIVATE, its values set to `values`.
  SemId MakeSemSet(const std::vector<int64_t>& values, int64_t mode = 0600);
  // The return value of a call that must succeed.
  int64_t Must(Call call);
  bool alive() const { return session_->system().Alive(task_); }

 private:
  Session* session_;
  int task_;
};

// For GoogleTest's messages.
inline void PrintTo(const Outcome& outcome, std::ostream* out) { *out << ToText(outcome); }

MATCHER(IsAsleep, negation ? "is not asleep" : "is asleep") { return arg.asleep(); }
// The call succeeded and returned `ret` (and `data`, and the numbers `values`).
testing::Matcher<const Outcome&> Gives(int64_t ret);
testing::Matcher<const Outcome&> Gives(int64_t ret, std::string data);
testing::Matcher<const Outcome&> GivesValues(std::vector<int64_t> values);
testing::Matcher<const Outcome&> FailsWith(int error);

struct ClauseInfo {
  std::string mechanism;  // "pipe"
  std::string name;       // "ReadWaitsForData"
  std::string source;     // "pipe(7)"
  std::string statement;
  std::string id() const { return mechanism + "." + name; }
};
// All clauses of this binary, in the order of their files.
const std::vector<ClauseInfo>& AllClauses();

// The body of a clause ends early: it is unsupported here, or the harness failed.
struct ClauseEnds {
  enum Why { kUnsupported, kUndecided, kViolates } why;
  std::string reason;
};

class ClauseTest : public testing::Test {
 public:
  // What became of the test that ran last (for the results).
  enum class State { kConforms, kUnsupported, kUndecided, kViolates };
  static State last_state();
  static const std::string& last_detail();

 protected:
  virtual void Body() = 0;
  void TestBody() final;

  // Ends the test as unsupported unless the condition holds.
  static void Requires(bool condition, std::string_view why_not);
  // The clause needs a second user id, which a user namespace may not have.
  static void RequiresOtherUsers();
  Session& session() { return *session_; }
  // What this system is.
  static const Dialect& dialect() { return MachineUnderTest().dialect(); }

  std::unique_ptr<Session> session_;
  TaskHandle a{nullptr, 0};
};

// A row of errno_pairs.tsv that a clause provokes. The test fails unless some call of it gave
// that errno (registry.h).
struct ErrnoRow {
  std::string clause;
  std::string page, calls, error, condition;
  std::string excuse;  // why it cannot be provoked; then `clause` is empty
};
const std::vector<ErrnoRow>& AllErrnoRows();

// "SysvSem" is the mechanism sysv_sem.
std::string SnakeCase(std::string_view name);
int RegisterClause(ClauseInfo info, testing::Test* (*make)(), const char* file, int line);
int RegisterErrnoRow(ErrnoRow row);

}  // namespace ipcspec

#define CLAUSE(Mechanism, Name, source_, statement_)                                             \
  class Mechanism##_##Name : public ::ipcspec::ClauseTest {                                      \
    void Body() override;                                                                        \
  };                                                                                             \
  [[maybe_unused]] static const int registered_##Mechanism##_##Name = ::ipcspec::RegisterClause( \
      {.mechanism = #Mechanism, .name = #Name, .source = source_, .statement = statement_},      \
      []() -> ::testing::Test* { return new Mechanism##_##Name; }, __FILE__, __LINE__);          \
  void Mechanism##_##Name::Body()

// The clause Mechanism.Name provokes this row of errno_pairs.tsv.
#define PROVOKES(Mechanism, Name, page_, calls_, error_, condition_) \
  [[maybe_unused]] static const int IPCSPEC_UNIQUE(row_) =           \
      ::ipcspec::RegisterErrnoRow({.clause = #Mechanism "." #Name,   \
                                   .page = page_,                    \
                                   .calls = calls_,                  \
                                   .error = error_,                  \
                                   .condition = condition_,          \
                                   .excuse = ""})
// No clause provokes this row, for a reason.
#define EXCUSED(page_, calls_, error_, condition_, reason_) \
  [[maybe_unused]] static const int IPCSPEC_UNIQUE(row_) =  \
      ::ipcspec::RegisterErrnoRow({.clause = "",            \
                                   .page = page_,           \
                                   .calls = calls_,         \
                                   .error = error_,         \
                                   .condition = condition_, \
                                   .excuse = reason_})
#define IPCSPEC_UNIQUE(prefix) IPCSPEC_JOIN(prefix, __LINE__)
#define IPCSPEC_JOIN(a, b) IPCSPEC_JOIN2(a, b)
#define IPCSPEC_JOIN2(a, b) a##b

#endif  // IPCSPEC_CONFORMANCE_CLAUSE_H_
