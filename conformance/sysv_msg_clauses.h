// What the clauses of System V message queues say often. For those files only.
#ifndef IPCSPEC_CONFORMANCE_SYSV_MSG_CLAUSES_H_
#define IPCSPEC_CONFORMANCE_SYSV_MSG_CLAUSES_H_

#include <sys/ipc.h>
#include <sys/msg.h>

#include <algorithm>
#include <string>
#include <utility>

#include "conformance/clause.h"

namespace ipcspec {

// Places in kMsqidFields of what IPC_STAT gives.
enum MsqidField {
  kMsgKey,
  kMsgUid,
  kMsgGid,
  kMsgCuid,
  kMsgCgid,
  kMsgMode,
  kMsgQnum,
  kMsgCbytes,
  kMsgQbytes,
  kMsgLspid,
  kMsgLrpid,
  kMsgStime,
  kMsgRtime,
  kMsgCtime
};

inline Msgsnd Send(MsgId q, int64_t type, std::string text, int64_t flags = 0) {
  return {.id = q, .type = type, .data = std::move(text), .flags = flags};
}
inline Msgsnd TrySend(MsgId q, int64_t type, std::string text) {
  return Send(q, type, std::move(text), IPC_NOWAIT);
}
inline Msgrcv Receive(MsgId q, int64_t type = 0, int64_t flags = 0, int64_t size = 512) {
  return {.id = q, .size = size, .type = type, .flags = flags};
}
inline Msgrcv TryReceive(MsgId q, int64_t type = 0, int64_t flags = 0, int64_t size = 512) {
  return Receive(q, type, flags | IPC_NOWAIT, size);
}
inline Msgrcv CopyAt(MsgId q, int64_t position, int64_t flags = 0, int64_t size = 512) {
  return Receive(q, position, flags | MSG_COPY | IPC_NOWAIT, size);
}

// msgrcv gave this message, or as much of it.
inline testing::Matcher<const Outcome&> GivesMessage(int64_t type, std::string text) {
  const int64_t size = static_cast<int64_t>(text.size());
  return testing::AllOf(Gives(size, std::move(text)), GivesValues({type}));
}
inline testing::Matcher<const Outcome&> SaysQueueIsGone() {
  return testing::AnyOf(FailsWith(EINVAL), FailsWith(EIDRM));
}

inline int64_t FieldOf(TaskHandle& task, MsgId q, MsqidField field) {
  const Outcome stat = task.Do(MsgStat{.id = q});
  return stat.ok() ? stat.values.at(field) : -1;
}

// Whether a message of some pages can be sent, as limits usually are.
inline bool HoldsPages() {
  const Dialect& dialect = MachineUnderTest().dialect();
  return std::min(dialect.Get(Limit::kMsgmax), dialect.Get(Limit::kMsgmnb)) >= 8192;
}
inline constexpr const char* kHoldsLittle = "msgmax or msgmnb is set below what it usually is";

// A queue of the first task, without a key.
inline MsgId MakeQueue(TaskHandle& a, int64_t mode = 0600) { return a.Must(Msgget{.flags = mode}); }
// One that holds at most so many bytes, and so many messages.
inline MsgId MakeSmallQueue(TaskHandle& a, int64_t qbytes, int64_t mode = 0600) {
  const MsgId q = MakeQueue(a, mode);
  a.Must(MsgSet{.id = q, .mode = mode, .qbytes = qbytes});
  return q;
}

// Gives the queue away, and little room.
inline MsgSet Give(MsgId q, int64_t uid, int64_t gid, int64_t mode) {
  return {.id = q, .uid = uid, .gid = gid, .mode = mode, .qbytes = 512};
}

// A child that is another user, without privilege.
inline TaskHandle ForkAs(TaskHandle& a, int64_t uid, int64_t gid) {
  TaskHandle b = a.Fork();
  b.Must(SetCredentials{.uid = uid, .gid = gid});
  return b;
}

}  // namespace ipcspec

#endif  // IPCSPEC_CONFORMANCE_SYSV_MSG_CLAUSES_H_
