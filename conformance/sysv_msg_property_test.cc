// Properties of System V message queues: random programs of several tasks on a few small queues.
#include <sys/ipc.h>
#include <sys/msg.h>

#include <cstdint>
#include <string>

#include "conformance/clause.h"
#include "conformance/makers.h"
#include "conformance/property.h"

namespace ipcspec {
namespace {

// Few bytes, so that queues are often full, and letters that tell messages apart.
std::string AnyText(Dice& dice) {
  return std::string(dice.Percent(4) ? 9 : dice.Below(5), static_cast<char>('a' + dice.Below(26)));
}

Call AnySend(Dice& dice, MsgId id) {
  Msgsnd send{.id = id, .type = 1 + dice.Below(3), .data = AnyText(dice)};
  if (dice.Percent(3)) send.type = dice.Of({int64_t{0}, int64_t{-1}, INT64_MIN, INT64_MAX});
  if (dice.Percent(25)) send.flags.bits |= IPC_NOWAIT;
  if (dice.Percent(2)) send.size = dice.Of({int64_t{-1}, int64_t{1} << 40});
  if (dice.Percent(1)) send.memory = Memory::kBad;
  return send;
}

Call AnyReceive(Dice& dice, MsgId id) {
  Msgrcv receive{.id = id};
  receive.size = dice.Percent(60) ? 512 : dice.Of({0, 1, 2, 3, 4});
  receive.type = dice.Percent(40) ? 0 : dice.Below(7) - 3;
  if (dice.Percent(3)) receive.type = dice.Of({INT64_MIN, INT64_MAX, -INT64_MAX});
  if (dice.Percent(30)) receive.flags.bits |= IPC_NOWAIT;
  if (dice.Percent(40)) receive.flags.bits |= MSG_NOERROR;
  if (dice.Percent(15)) receive.flags.bits |= MSG_EXCEPT;
  if (dice.Percent(10)) {
    receive.flags.bits |= MSG_COPY;
    if (dice.Percent(90)) receive.flags.bits = (receive.flags.bits | IPC_NOWAIT) & ~MSG_EXCEPT;
    receive.type = dice.Below(4) - (dice.Percent(5) ? 1 : 0);
  }
  if (dice.Percent(1)) receive.size = -1;
  if (dice.Percent(2)) receive.memory = Memory::kBad;
  return receive;
}

}  // namespace

std::optional<Call> AnySysvMsgCall(Scene& scene) {
  Dice& dice = scene.dice;
  const MsgId id = scene.Any<MsgId>();
  if (!id.is_reference() || dice.Percent(3)) {
    int64_t flags = dice.Of({0600, 0666, 0640, 0602, 0});
    if (dice.Percent(85)) flags |= IPC_CREAT;
    if (dice.Percent(20)) flags |= IPC_EXCL;
    return Msgget{.key = Key(dice.Of({0, 87, 87, 88})), .flags = flags};
  }
  switch (dice.Below(30)) {
    case 0:
      return MsgStat{.id = id};
    case 1:
    case 2:
    case 3:
      return MsgSet{.id = id,
                    .uid = dice.Percent(80) ? 0 : dice.Of({1000, 1001}),
                    .gid = dice.Percent(80) ? 0 : 1000,
                    .mode = dice.Of({0600, 0666, 0666, 0622, 0}),
                    .qbytes = dice.Percent(3) ? dice.Of({16384, 20000}) : dice.Below(9)};
    case 4:
      return dice.Percent(40) ? std::optional<Call>(MsgRemove{.id = id}) : std::nullopt;
    case 5:
      return dice.Percent(80) ? Call(MsgUsage{}) : Call(MsgLimits{});
    case 6:
      return dice.Percent(80) ? Call(MsgStatIndex{.index = dice.Below(3), .any = dice.Percent(50)})
                              : Call(MsgBadCommand{.id = id});
    default:
      return dice.Percent(52) ? AnySend(dice, id) : AnyReceive(dice, id);
  }
}

PROPERTY(SysvMsg, RandomPrograms, "msgop(2)",
         "Whatever several tasks do on message queues, some documented order explains what they "
         "saw",
         130, 40, {{14, AnySysvMsgCall}, {4, AnyProcessCall}, {1, AnyCredentialsCall}})

PROPERTY(SysvMsg, RandomProgramsWithDeaths, "msgop(2)",
         "Whatever tasks die or are interrupted in their sleep, messages are lost to nobody else, "
         "and who can go on does",
         130, 40, {{8, AnySysvMsgCall}, {5, AnyProcessCall}})

PROPERTY(SysvMsg, RandomProgramsWithOthers, "msgop(2)",
         "Message queues, semaphores and pipes used by the same tasks keep their rules", 60, 40,
         {{6, AnySysvMsgCall}, {4, AnySysvSemCall}, {4, AnyPipeCall}, {4, AnyProcessCall}})

}  // namespace ipcspec
