// System V message queues, as system calls.
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/syscall.h>

#include <algorithm>

#include "platforms/kernel/lowering_parts.h"

namespace ipcspec {
namespace {

constexpr int kMsgStatAny = 13;  // MSG_STAT_ANY, since Linux 4.17

void Msgctl(Request& r, int64_t id, int command) {
  r.Op(SYS_msgctl), r.Int(0, id), r.Int(1, command);
}

void DecodeMsqid(const LoweringContext& context, const RawAnswer& answer, Outcome& out) {
  const auto queue = At<msqid_ds>(answer);
  out.values = {queue.msg_perm.__key,
                queue.msg_perm.uid,
                queue.msg_perm.gid,
                queue.msg_perm.cuid,
                queue.msg_perm.cgid,
                queue.msg_perm.mode,
                static_cast<int64_t>(queue.msg_qnum),
                static_cast<int64_t>(queue.__msg_cbytes),
                static_cast<int64_t>(queue.msg_qbytes),
                context.task_of(queue.msg_lspid),
                context.task_of(queue.msg_lrpid),
                queue.msg_stime,
                queue.msg_rtime,
                queue.msg_ctime};
}

}  // namespace

void Lower(const Msgget& c, const LoweringContext&, Request& r) {
  r.Op(SYS_msgget), r.Int(0, c.key.value), r.Int(1, c.flags.bits);
}
void Lower(const Msgsnd& c, const LoweringContext&, Request& r) {
  const int64_t all = static_cast<int64_t>(c.data.text.size());
  r.Op(SYS_msgsnd), r.Int(0, c.id.value), r.Int(2, c.size == Msgsnd::kAll ? all : c.size);
  r.Int(3, c.flags.bits);
  if (c.memory == Memory::kBad) return r.BadPointer(1);
  // The type, then the text; a size beyond the text finds zeroes there.
  const int64_t room = std::clamp<int64_t>(std::max(all, c.size), 0, 128 << 10);
  char* area = r.Area(1, sizeof(int64_t) + static_cast<size_t>(room));
  if (r.overflowed()) return;
  Put(area, c.type);
  std::memset(area + sizeof(int64_t), 0, static_cast<size_t>(room));
  std::memcpy(area + sizeof(int64_t), c.data.text.data(), c.data.text.size());
}
void Lower(const Msgrcv& c, const LoweringContext&, Request& r) {
  r.Op(SYS_msgrcv), r.Int(0, c.id.value), r.Int(2, c.size), r.Int(3, c.type);
  r.Int(4, c.flags.bits);
  if (c.memory == Memory::kBad) return r.BadPointer(1);
  // No message is longer than this; the size asked for may be.
  constexpr int64_t kRoom = 128 << 10;
  r.Area(1, sizeof(int64_t) + static_cast<size_t>(std::clamp<int64_t>(c.size, 0, kRoom)));
}
void Lower(const MsgStat& c, const LoweringContext&, Request& r) {
  Msgctl(r, c.id.value, IPC_STAT);
  c.memory == Memory::kGood ? (void)r.Area(2, sizeof(msqid_ds)) : r.BadPointer(2);
}
void Lower(const MsgSet& c, const LoweringContext&, Request& r) {
  Msgctl(r, c.id.value, IPC_SET);
  if (c.memory == Memory::kBad) return r.BadPointer(2);
  msqid_ds set = {};
  set.msg_perm.uid = static_cast<uid_t>(c.uid);
  set.msg_perm.gid = static_cast<gid_t>(c.gid);
  set.msg_perm.mode = static_cast<unsigned short>(c.mode.bits);
  set.msg_qbytes = static_cast<msglen_t>(c.qbytes);
  Put(r.Area(2, sizeof set), set);
}
void Lower(const MsgRemove& c, const LoweringContext&, Request& r) {
  Msgctl(r, c.id.value, IPC_RMID);
}
void Lower(const MsgLimits&, const LoweringContext&, Request& r) {
  Msgctl(r, 0, IPC_INFO), r.Area(2, sizeof(msginfo));
}
void Lower(const MsgUsage&, const LoweringContext&, Request& r) {
  Msgctl(r, 0, MSG_INFO), r.Area(2, sizeof(msginfo));
}
void Lower(const MsgStatIndex& c, const LoweringContext&, Request& r) {
  Msgctl(r, c.index, c.any ? kMsgStatAny : MSG_STAT), r.Area(2, sizeof(msqid_ds));
}
void Lower(const MsgBadCommand& c, const LoweringContext&, Request& r) {
  Msgctl(r, c.id.value, 9999);
}

void Decode(const Msgrcv&, const LoweringContext&, const RawAnswer& answer, Outcome& out) {
  out.values = {At<int64_t>(answer)};
  out.data.assign(answer.buffer + sizeof(int64_t), static_cast<size_t>(out.ret));
}
void Decode(const MsgStat&, const LoweringContext& context, const RawAnswer& answer, Outcome& out) {
  DecodeMsqid(context, answer, out);
}
void Decode(const MsgStatIndex&, const LoweringContext& context, const RawAnswer& answer,
            Outcome& out) {
  DecodeMsqid(context, answer, out);
}
void Decode(const MsgLimits&, const LoweringContext&, const RawAnswer& answer, Outcome& out) {
  const auto info = At<msginfo>(answer);
  out.values = {info.msgmax, info.msgmnb, info.msgmni};
}
void Decode(const MsgUsage&, const LoweringContext&, const RawAnswer& answer, Outcome& out) {
  const auto info = At<msginfo>(answer);
  out.values = {info.msgpool, info.msgmap, info.msgtql};  // msgctl(2): queues, messages, bytes
}

}  // namespace ipcspec
