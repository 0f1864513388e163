// Semaphore sets, message queues and segments, as far as they are alike (sysvipc(7)): a clause that
// holds for each kind is written once.
//
//   KIND_CLAUSE(Something, "sysvipc(7)", "What is so of an object of each kind") {
//     const int64_t id = a.Must(kind.Make(kPrivate));
//     EXPECT_THAT(a.Do(kind.Remove(id)), Gives(0));
//   }
//
// makes the clauses SemSomething, MsgSomething and ShmSomething.
#ifndef IPCSPEC_CONFORMANCE_SYSV_IPC_KINDS_H_
#define IPCSPEC_CONFORMANCE_SYSV_IPC_KINDS_H_

#include <sys/ipc.h>

#include <string_view>
#include <utility>
#include <vector>

#include "conformance/clause.h"
#include "impl/call/cat.h"

namespace ipcspec {

inline constexpr int64_t kPrivate = IPC_PRIVATE;
inline constexpr int64_t kKey = 4713;

// Where the numbers of IPC_STAT begin, of every kind (kSemidFields and so on).
enum PermField { kPermKey, kPermUid, kPermGid, kPermCuid, kPermCgid, kPermMode };

struct Kind {
  IpcKind kind;
  std::string_view name;    // "Sem"
  std::string_view plural;  // "semaphore sets"
  Limit next_id;

  // *get of a smallest object, with these flags.
  Call Get(int64_t key, int64_t flags) const;
  Call Make(int64_t key, int64_t mode = 0600) const { return Get(key, IPC_CREAT | mode); }
  Call Find(int64_t key) const { return Get(key, 0); }

  Call Stat(int64_t id) const;  // needs permission to read
  // SEM_STAT and the like, or SEM_STAT_ANY and the like, of the index that the identifier has.
  Call StatIndex(int64_t id, bool any) const;
  Call Alter(int64_t id) const;  // semop, msgsnd, shmat: needs permission to write
  Call Set(int64_t id, int64_t uid, int64_t gid, int64_t mode) const;
  Call Remove(int64_t id) const;
  // Every call that takes an identifier of this kind.
  std::vector<Call> All(int64_t id) const;

  // Columns of a line of /proc/sysvipc, and where among them uid, gid, cuid and cgid begin.
  size_t columns() const;
  size_t owners() const;
};

// sysv_ipc_kinds.cc: those whose clauses are registered.
const std::vector<Kind>& Kinds();

class KindClause : public ClauseTest {
 public:
  explicit KindClause(const Kind& of) : kind(of) {}

 protected:
  const Kind& kind;
};

template <class Clause, size_t N>
testing::Test* MakeKindClause() {
  return new Clause(Kinds()[N]);
}

template <class Clause>
bool RegisterKinds(std::string_view name, const char* source, const char* statement,
                   const char* file, int line) {
  constexpr testing::Test* (*kMakers[])() = {MakeKindClause<Clause, 0>, MakeKindClause<Clause, 1>,
                                             MakeKindClause<Clause, 2>};
  for (size_t i = 0; i < Kinds().size(); ++i) {
    RegisterClause({.mechanism = "SysvIpc",
                    .name = Cat(Kinds()[i].name, name),
                    .source = source,
                    .statement = Cat(statement, " (", Kinds()[i].plural, ")")},
                   kMakers[i], file, line);
  }
  return true;
}

// What a call on an object that is no more gives.
testing::Matcher<const Outcome&> SaysGone();
// The call succeeded, whatever it gave.
testing::Matcher<const Outcome&> Succeeds();

// A child that is another user, without privilege.
TaskHandle ForkAs(TaskHandle& a, int64_t uid, int64_t gid);
// A child with an IPC namespace of its own; ends the clause as unsupported where none can be had.
TaskHandle ForkIntoNamespace(TaskHandle& a);
// One of the numbers of IPC_STAT, by a task that may read; -1 when it fails.
int64_t PermOf(TaskHandle& task, const Kind& kind, int64_t id, PermField field);

}  // namespace ipcspec

#define KIND_CLAUSE(Name, source_, statement_)                                                  \
  class SysvIpc_##Name : public ::ipcspec::KindClause {                                         \
    using KindClause::KindClause;                                                               \
    void Body() override;                                                                       \
                                                                                                \
   public:                                                                                      \
    static const bool registered;                                                               \
  };                                                                                            \
  const bool SysvIpc_##Name::registered =                                                       \
      ::ipcspec::RegisterKinds<SysvIpc_##Name>(#Name, source_, statement_, __FILE__, __LINE__); \
  void SysvIpc_##Name::Body()

#endif  // IPCSPEC_CONFORMANCE_SYSV_IPC_KINDS_H_
