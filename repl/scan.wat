;; Finds the pages of a heap that changed since the last scan, without a copy of the heap: it keeps a 128-bit hash of each
;; 4 KiB page in a memory of its own. The hash only has to notice changes; identity is the SHA-256 that the host computes.
(module
  (import "kernel" "memory" (memory $heap 1))
  ;; $hashes: 16 bytes a page from address 0; behind them the list (u32) of changed pages that a scan returns.
  (memory $hashes (export "hashes") 8)
  ;; $rows: for each page the first of malloc's blocks in it, the first one behind it, and a large free one that begins in
  ;; it, as they were found (see free); a row that begins with 0 is not known.
  (memory $rows (export "rows") 4)
  (func (export "grow") (param $pages i32) (result i32)
    (memory.grow $hashes (local.get $pages)))
  (func (export "growRows") (param $pages i32) (result i32)
    (memory.grow $rows (local.get $pages)))
  ;; scan(first page of 4 KiB, page behind the last, address of the list) -> number of changed pages
  (func (export "scan") (param $page i32) (param $pages i32) (param $list i32) (result i32)
    (local $at i32) (local $end i32) (local $count i32)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128) (local $prime v128) (local $hash v128)
    (local.set $prime (v128.const i32x4 0x9E3779B1 0x85EBCA77 0xC2B2AE3D 0x27D4EB2F))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $page) (local.get $pages)))
      (local.set $at (i32.shl (local.get $page) (i32.const 12)))
      (local.set $end (i32.add (local.get $at) (i32.const 4096)))
      (local.set $a (v128.const i32x4 1 2 3 4)) (local.set $b (v128.const i32x4 5 6 7 8))
      (local.set $c (v128.const i32x4 9 10 11 12)) (local.set $d (v128.const i32x4 13 14 15 16))
      ;; four lanes of 16 bytes: xor in, multiply, fold the high bits down
      (loop $line
        (local.set $a (i32x4.mul (v128.xor (local.get $a) (v128.load $heap (local.get $at))) (local.get $prime)))
        (local.set $a (v128.xor (local.get $a) (i32x4.shr_u (local.get $a) (i32.const 15))))
        (local.set $b (i32x4.mul (v128.xor (local.get $b) (v128.load $heap offset=16 (local.get $at))) (local.get $prime)))
        (local.set $b (v128.xor (local.get $b) (i32x4.shr_u (local.get $b) (i32.const 15))))
        (local.set $c (i32x4.mul (v128.xor (local.get $c) (v128.load $heap offset=32 (local.get $at))) (local.get $prime)))
        (local.set $c (v128.xor (local.get $c) (i32x4.shr_u (local.get $c) (i32.const 15))))
        (local.set $d (i32x4.mul (v128.xor (local.get $d) (v128.load $heap offset=48 (local.get $at))) (local.get $prime)))
        (local.set $d (v128.xor (local.get $d) (i32x4.shr_u (local.get $d) (i32.const 15))))
        (local.set $at (i32.add (local.get $at) (i32.const 64)))
        (br_if $line (i32.ne (local.get $at) (local.get $end))))
      ;; join the lanes, each with multipliers of its own so that equal lanes do not cancel out
      (local.set $hash (i32x4.mul (local.get $a) (v128.const i32x4 3 5 7 9)))
      (local.set $hash (v128.xor (local.get $hash) (i32x4.mul (i32x4.add (local.get $b) (local.get $prime)) (v128.const i32x4 11 13 15 17))))
      (local.set $hash (i32x4.mul (v128.xor (local.get $hash) (i32x4.shr_u (local.get $hash) (i32.const 13))) (local.get $prime)))
      (local.set $hash (i32x4.add (local.get $hash) (i32x4.mul (local.get $c) (v128.const i32x4 19 21 23 25))))
      (local.set $hash (i32x4.mul (v128.xor (local.get $hash) (i32x4.shr_u (local.get $hash) (i32.const 16))) (local.get $prime)))
      (local.set $hash (i32x4.add (local.get $hash) (i32x4.mul (local.get $d) (v128.const i32x4 27 29 31 33))))
      (if (v128.any_true (v128.xor (local.get $hash) (v128.load $hashes (i32.shl (local.get $page) (i32.const 4)))))
        (then
          (v128.store $hashes (i32.shl (local.get $page) (i32.const 4)) (local.get $hash))
          (i32.store $rows (i32.mul (local.get $page) (i32.const 12)) (i32.const 0))
          (i32.store $hashes (i32.add (local.get $list) (i32.shl (local.get $count) (i32.const 2))) (local.get $page))
          (local.set $count (i32.add (local.get $count) (i32.const 1)))))
      (local.set $page (i32.add (local.get $page) (i32.const 1)))
      (br $next)))
    (local.get $count))
  ;; free(first block, end of the heap's blocks, least bytes, address of the list) -> number of free blocks that large.
  ;; dlmalloc's blocks lie one behind the other, each with its size and two flags in its second word; the list has their
  ;; addresses and sizes. It ends where that makes no sense: whatever wrote there has damaged the heap. A page that has
  ;; not changed since it was walked through, by the last scan, is passed over by its row.
  (func (export "free") (param $at i32) (param $end i32) (param $least i32) (param $list i32) (result i32)
    (local $row i32) (local $stop i32) (local $head i32) (local $size i32) (local $large i32) (local $count i32)
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
      (br_if $done (i32.lt_u (i32.sub (local.get $end) (local.get $at)) (i32.const 16)))
      (local.set $row (i32.mul (i32.shr_u (local.get $at) (i32.const 12)) (i32.const 12)))
      (if (i32.eq (i32.load $rows (local.get $row)) (local.get $at))
        (then
          (local.set $at (i32.load $rows offset=4 (local.get $row)))
          (local.set $large (i32.load $rows offset=8 (local.get $row))))
        (else
          (i32.store $rows (local.get $row) (local.get $at))
          (local.set $large (i32.const 0))
          (local.set $stop (i32.shl (i32.add (i32.shr_u (local.get $at) (i32.const 12)) (i32.const 1)) (i32.const 12)))
          (loop $block
            (local.set $head (i32.load $heap offset=4 (local.get $at)))
            (local.set $size (i32.and (local.get $head) (i32.const -8)))
            (if (i32.or
                  (i32.lt_u (local.get $size) (i32.const 16))
                  (i32.gt_u (local.get $size) (i32.sub (local.get $end) (local.get $at))))
              (then
                (i32.store $rows (local.get $row) (i32.const 0))
                (br $done)))
            (if (i32.eqz (i32.or
                  (i32.and (local.get $head) (i32.const 2))
                  (i32.lt_u (local.get $size) (local.get $least))))
              (then (local.set $large (local.get $at))))
            (local.set $at (i32.add (local.get $at) (local.get $size)))
            (br_if $block (i32.and
              (i32.lt_u (local.get $at) (local.get $stop))
              (i32.ge_u (i32.sub (local.get $end) (local.get $at)) (i32.const 16)))))
          (i32.store $rows offset=4 (local.get $row) (local.get $at))
          (i32.store $rows offset=8 (local.get $row) (local.get $large))))
      (if (local.get $large)
        (then
          (i32.store $hashes (i32.add (local.get $list) (i32.shl (local.get $count) (i32.const 3))) (local.get $large))
          (i32.store $hashes offset=4 (i32.add (local.get $list) (i32.shl (local.get $count) (i32.const 3)))
            (i32.and (i32.load $heap offset=4 (local.get $large)) (i32.const -8)))
          (local.set $count (i32.add (local.get $count) (i32.const 1)))))
      (br $next)))
    (local.get $count)))
