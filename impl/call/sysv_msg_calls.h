// Calls on System V message queues: msgget(2), msgsnd(2), msgrcv(2), msgctl(2).
#ifndef IPCSPEC_IMPL_CALL_SYSV_MSG_CALLS_H_
#define IPCSPEC_IMPL_CALL_SYSV_MSG_CALLS_H_

#include <array>
#include <string_view>

#include "impl/call/fields.h"
#include "impl/call/types.h"

namespace ipcspec {

// Returns the identifier of the queue.
struct Msgget {
  static constexpr std::string_view kName = "msgget";
  static constexpr ArgKind kGives = ArgKind::kMsgId;
  Key key = 0;  // IPC_PRIVATE
  IpcFlags flags;
  IPCSPEC_FIELDS(Msgget, key, flags)
};

// `size` is what the call says of the message: kAll is the size of `data`; another number is passed
// as it is (a negative one, or one that is too large, fails before the data counts).
struct Msgsnd {
  static constexpr std::string_view kName = "msgsnd";
  static constexpr int64_t kAll = INT64_MIN;
  MsgId id;
  int64_t type = 1;
  Bytes data;
  MsgFlags flags;
  int64_t size = kAll;
  Memory memory = Memory::kGood;
  IPCSPEC_FIELDS(Msgsnd, id, type, data, flags, size, memory)
};

// Returns the size of what was received; data: the text; values: its type. `size` and `type` are
// msgsz and msgtyp of msgop(2).
struct Msgrcv {
  static constexpr std::string_view kName = "msgrcv";
  MsgId id;
  int64_t size = 8192;
  int64_t type = 0;
  MsgFlags flags;
  Memory memory = Memory::kGood;
  IPCSPEC_FIELDS(Msgrcv, id, size, type, flags, memory)
};

// What IPC_STAT, MSG_STAT and MSG_STAT_ANY put into `values`, in this order. lspid and lrpid are
// tasks; -1 is none of ours.
inline constexpr std::array<std::string_view, 14> kMsqidFields = {
    "key",    "uid",    "gid",   "cuid",  "cgid",  "mode",  "qnum",
    "cbytes", "qbytes", "lspid", "lrpid", "stime", "rtime", "ctime"};

// IPC_STAT.
struct MsgStat {
  static constexpr std::string_view kName = "msg_stat";
  MsgId id;
  Memory memory = Memory::kGood;
  IPCSPEC_FIELDS(MsgStat, id, memory)
};

// IPC_SET of owner, group, mode and msg_qbytes.
struct MsgSet {
  static constexpr std::string_view kName = "msg_set";
  MsgId id;
  int64_t uid = 0;
  int64_t gid = 0;
  Mode mode;
  int64_t qbytes = 16384;
  Memory memory = Memory::kGood;
  IPCSPEC_FIELDS(MsgSet, id, uid, gid, mode, qbytes, memory)
};

// IPC_RMID.
struct MsgRemove {
  static constexpr std::string_view kName = "msg_rmid";
  MsgId id;
  IPCSPEC_FIELDS(MsgRemove, id)
};

// IPC_INFO. Returns the highest used index; values: msgmax, msgmnb, msgmni.
struct MsgLimits {
  static constexpr std::string_view kName = "msg_ipc_info";
  IPCSPEC_FIELDS(MsgLimits)
};

// MSG_INFO. Returns the highest used index; values: queues, messages and bytes in existence.
struct MsgUsage {
  static constexpr std::string_view kName = "msg_info";
  IPCSPEC_FIELDS(MsgUsage)
};

// MSG_STAT, or MSG_STAT_ANY with `any`, of a slot of the kernel's table. Returns the identifier.
struct MsgStatIndex {
  static constexpr std::string_view kName = "msg_stat_index";
  static constexpr ArgKind kGives = ArgKind::kMsgId;
  int64_t index = 0;
  bool any = false;
  IPCSPEC_FIELDS(MsgStatIndex, index, any)
};

// msgctl(2) with a command that there is not.
struct MsgBadCommand {
  static constexpr std::string_view kName = "msg_bad_command";
  MsgId id;
  IPCSPEC_FIELDS(MsgBadCommand, id)
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_CALL_SYSV_MSG_CALLS_H_
