// The calls of each mechanism, as the generator draws them; a property mixes them.
#ifndef IPCSPEC_CONFORMANCE_MAKERS_H_
#define IPCSPEC_CONFORMANCE_MAKERS_H_

#include <optional>

#include "conformance/generate.h"

namespace ipcspec {

std::optional<Call> AnyPipeCall(Scene& scene);      // pipe_property_test.cc
std::optional<Call> AnyFifoCall(Scene& scene);      // fifo_property_test.cc
std::optional<Call> AnySysvSemCall(Scene& scene);   // sysv_sem_property_test.cc
std::optional<Call> AnySysvMsgCall(Scene& scene);   // sysv_msg_property_test.cc
std::optional<Call> AnySysvShmCall(Scene& scene);   // sysv_shm_property_test.cc
std::optional<Call> AnyMappingCall(Scene& scene);   // mapping_property_test.cc
std::optional<Call> AnyPosixShmCall(Scene& scene);  // posix_shm_property_test.cc
std::optional<Call> AnyPosixMqCall(Scene& scene);   // posix_mq_property_test.cc
std::optional<Call> AnyPosixSemCall(Scene& scene);  // posix_sem_property_test.cc
std::optional<Call> AnyIpcCall(Scene& scene);       // sysv_ipc_property_test.cc

// Becomes another user, one time in many: there is no way back.
std::optional<Call> AnyCredentialsCall(Scene& scene);

}  // namespace ipcspec

#endif  // IPCSPEC_CONFORMANCE_MAKERS_H_
