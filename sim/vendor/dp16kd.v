// A model of the Lattice ECP5 cell DP16KD, for simulation. It is not Lattice's.
//
// Written for this project, with no vendor's text: ports and parameters are those of Yosys' empty
// cell (share/lattice/cells_bb_ecp5.v), and which pins a width uses is what Yosys' own mapping of
// memories (share/lattice/brams_map_16kd.v) connects. It has been compared with no chip.
//
// What it models: words of 1, 2, 4 or 9 bits, without output registers. Port A reads in every cycle
// in which it does not write; what it reads while it writes is undefined. Port B reads, or is off;
// what it reads is undefined where port A writes the same word.
//
// What it leaves out: writes of port B; words of 18 bits; ports of different widths or clocks; output registers, resets, chip
// selects, initial values other than 0. A parameter that asks for any of these names a module that
// does not exist, and so stops the tool; a pin that asks makes what is read undefined.

module DP16KD (
    input CLKA, CEA, OCEA, RSTA, WEA, CSA2, CSA1, CSA0,
    input ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0,
    input DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9,
    input DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0,
    output DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9,
    output DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0,
    input CLKB, CEB, OCEB, RSTB, WEB, CSB2, CSB1, CSB0,
    input ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0,
    input DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9,
    input DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0,
    output DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9,
    output DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0
);
    parameter DATA_WIDTH_A = 18;
    parameter DATA_WIDTH_B = 18;
    parameter REGMODE_A = "NOREG";
    parameter REGMODE_B = "NOREG";
    parameter RESETMODE = "SYNC";
    parameter ASYNC_RESET_RELEASE = "SYNC";
    parameter CSDECODE_A = "0b000";
    parameter CSDECODE_B = "0b000";
    parameter WRITEMODE_A = "NORMAL";
    parameter WRITEMODE_B = "NORMAL";
    parameter CLKAMUX = "CLKA";
    parameter CLKBMUX = "CLKB";
    parameter GSR = "DISABLED";

    localparam SHIFT = DATA_WIDTH_A == 1 ? 0 : DATA_WIDTH_A == 2 ? 1 : DATA_WIDTH_A == 4 ? 2 : 3;

    generate
        if ((DATA_WIDTH_A != 1 && DATA_WIDTH_A != 2 && DATA_WIDTH_A != 4 && DATA_WIDTH_A != 9)
            || DATA_WIDTH_B != DATA_WIDTH_A || REGMODE_B != "NOREG" || CLKBMUX != "CLKB"
            || CSDECODE_B != "0b000" || REGMODE_A != "NOREG" || WRITEMODE_A != "NORMAL" || CLKAMUX != "CLKA"
            || CSDECODE_A != "0b000")
            dp16kd_is_not_modelled_like_this stop();
    endgenerate

    wire [13:0] address = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3,
                           ADA2, ADA1, ADA0};
    wire [8:0] given = {DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0};
    wire [13:0] other = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3,
                         ADB2, ADB1, ADB0};
    wire strange = !CEA || RSTA || RSTB || CSA0 || CSA1 || CSA2 || CSB0 || CSB1 || CSB2 || WEB
                   || ((address | other) & ((1 << SHIFT) - 1)) != 0;

    reg [DATA_WIDTH_A-1:0] words [0:(1<<(14-SHIFT))-1];
    reg [DATA_WIDTH_A-1:0] read, read_b;
    integer i;
    initial for (i = 0; i < 1 << (14 - SHIFT); i = i + 1) words[i] = 0;

    always @(posedge CLKA) begin
        read <= strange || WEA ? {DATA_WIDTH_A{1'bx}} : words[address >> SHIFT];
        if (CEB)
            read_b <= strange || (WEA && address == other) ? {DATA_WIDTH_A{1'bx}}
                                                           : words[other >> SHIFT];
        if (WEA) words[address >> SHIFT] <= given[DATA_WIDTH_A-1:0];
    end

    wire [17:0] out = {18'b0, read};
    assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5,
            DOA4, DOA3, DOA2, DOA1, DOA0} = out;
    wire [17:0] out_b = {18'b0, read_b};
    assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5,
            DOB4, DOB3, DOB2, DOB1, DOB0} = out_b;
endmodule
