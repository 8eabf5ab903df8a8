// Pads of an ECP5: those of yosys ask whether T is driven, which Verilator cannot tell.

module TRELLIS_IO (inout B, input I, input T, output O);
  parameter DIR = "INPUT";
  generate
    if (DIR == "OUTPUT") assign B = I;
    if (DIR == "BIDIR") assign B = T ? 1'bz : I;
    if (DIR != "OUTPUT") assign O = B;
  endgenerate
endmodule

// A pad's register at both edges: D0 while the clock is high. Its inputs are constants here.
module ODDRX1F (input SCLK, input RST, input D0, input D1, output Q);
  assign Q = SCLK ? D0 : D1;
endmodule
