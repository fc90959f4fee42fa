;; A plugin of the contract beside this file, written by hand: it says hello and passes. Never changed.
(module
  (import "local-ci:plugin/output@0.1.0" "log" (func $log (param i32 i32 i32)))
  (memory (export "memory") 1)
  (global $heap (mut i32) (i32.const 4096))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
    (global.set $heap (i32.add (local.get $at) (local.get 3)))
    (local.get $at))
  (data (i32.const 16) "old")
  (data (i32.const 24) "0.0.1")
  (data (i32.const 32) "hello")
  (data (i32.const 40) "[]")
  ;; What it is: 92 bytes from 512 on. Its name, version and summary, one stage kind, no needs, no examples.
  (data (i32.const 512) "\10\00\00\00\03\00\00\00" "\18\00\00\00\05\00\00\00" "\20\00\00\00\05\00\00\00")
  (data (i32.const 536) "\00\03\00\00\01\00\00\00")
  (data (i32.const 588) "\28\00\00\00\02\00\00\00")
  ;; Its stage kind: 40 bytes from 768 on.
  (data (i32.const 768) "\10\00\00\00\03\00\00\00" "\20\00\00\00\05\00\00\00")
  ;; An outcome: passed, with a summary. 36 bytes from 1024 on.
  (data (i32.const 1032) "\01\00\00\00\20\00\00\00\05\00\00\00")
  (func (export "local-ci:plugin/about@0.1.0#describe") (result i32) (i32.const 512))
  (func (export "local-ci:plugin/stage@0.1.0#run")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
    (call $log (i32.const 2) (i32.const 32) (i32.const 5))
    (i32.const 1024)))
