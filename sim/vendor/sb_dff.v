// The plain register of Lattice's iCE40: D at the rising edge of C; 0 after configuration.
module SB_DFF (output reg Q, input C, input D);
    initial Q = 1'b0;
    always @(posedge C) Q <= D;
endmodule
